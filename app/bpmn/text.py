"""Bytes of an XML file -> its text (XML 1.0, 4.3.3 and appendix F; RFC 7303, section 3)."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; the longer ones first that begin with a shorter one."""
_STARTS = (("<\0?\0".encode("latin-1"), "utf-16-le"), ("\0<\0?".encode("latin-1"), "utf-16-be"))
"""How a declaration begins where a character takes two bytes."""
_DECLARED = re.compile(
    r"""(<\?xml\s+version\s*=\s*(?:"[^"<>]{0,9}"|'[^'<>]{0,9}')\s+encoding\s*=\s*)("[^"<>]{0,99}"|'[^'<>]{0,99}')"""
)
_LONGEST_DECLARATION = 500
_NAMES = frozenset(
    {
        *("ascii", "big5", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "iso2022_jp", "koi8-r", "koi8-u"),
        *(f"iso8859-{part}" for part in range(1, 17) if part != 12),
        *("mac-roman", "shift_jis", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"),
        *(f"cp125{page}" for page in range(9)),
        *("cp874", "cp932", "cp949", "cp950"),
    }
)
"""Encodings of texts, by their names in Python."""
_ALIASES = {"windows-31j": "cp932", "windows-874": "cp874"}
"""Names that IANA has registered, but Python may not know."""


class DecodingError(Exception):
    """Bytes that are no text in the encoding they are in, or are said to be in; with a sentence for the user."""


def decode(raw: bytes, charset: str = "") -> str:
    """The text of an XML file; `charset` is what came with it.

    A byte order mark decides, then the charset, then what the file declares, and else it is UTF-8. The text is
    without the mark, and declares no other encoding than UTF-8, in which it will be sent.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return as_utf8(_decode(raw[len(mark) :], encoding))
    return as_utf8(_decode(raw, charset or _declared(raw) or "utf-8"))


def as_utf8(xml: str) -> str:
    """The text, with a declaration that names UTF-8 where it named another encoding."""
    begin = 1 if xml.startswith("\ufeff") else 0
    found = _DECLARED.match(xml, begin)
    if found is None or found[2][1:-1].lower() == "utf-8":
        return xml
    return f'{xml[:begin]}{found[1]}"UTF-8"{xml[found.end() :]}'


def _declared(raw: bytes) -> str:
    for start, encoding in _STARTS:
        if raw.startswith(start):
            return encoding
    found = _DECLARED.match(raw[:_LONGEST_DECLARATION].decode("latin-1"))
    declared = found[2][1:-1] if found else ""
    # Whoever can read that it is UTF-16 reads something else.
    return "" if declared.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")) else declared


def _decode(raw: bytes, encoding: str) -> str:
    try:
        codec = codecs.lookup(_ALIASES.get(encoding.lower(), encoding))
    except (LookupError, UnicodeError, ValueError):
        codec = None
    if codec is None or codec.name not in _NAMES:
        raise DecodingError(f"encoding {encoding[:99]} is not supported: send UTF-8")
    try:
        return raw.decode(codec.name)
    except UnicodeDecodeError as error:
        raise DecodingError(f"failed to decode XML: byte {error.start + 1} is no {encoding[:99]}") from None
