"""Bytes of files become texts as XML says: the mark, what came with them, the declaration, or UTF-8."""

import codecs

import pytest

from app.bpmn.text import DecodingError, as_utf8, decode

TEXT = "<a>é ü €</a>"


def declared(encoding: str, quote: str = '"', more: str = "") -> str:
    return f"<?xml version={quote}1.0{quote} encoding={quote}{encoding}{quote}{more}?>\n{TEXT}"


NORMAL = declared("UTF-8")
JAPANESE = '<?xml version="1.0" encoding="{}"?><a>\u2460 \u7533\u8acb</a>'
KOREAN = '<?xml version="1.0" encoding="{}"?><a>\uc2b9\uc778</a>'


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        (TEXT.encode(), "", TEXT),
        (NORMAL.encode(), "", NORMAL),
        (declared("utf-8").encode(), "", declared("utf-8")),
        (codecs.BOM_UTF8 + TEXT.encode(), "", TEXT),
        (codecs.BOM_UTF8 + declared("windows-1252").encode(), "iso-8859-1", NORMAL),
        (declared("windows-1252").encode("cp1252"), "", NORMAL),
        (declared("ISO-8859-15", "'").encode("iso8859-15"), "", NORMAL.replace('"1.0"', "'1.0'")),
        (
            declared("ISO-8859-15", more=' standalone="yes"').encode("utf-8"),
            "UTF-8",
            NORMAL.replace('"UTF-8"', '"UTF-8" standalone="yes"'),
        ),
        (TEXT.encode("cp1252"), "Windows-1252", TEXT),
        (codecs.BOM_UTF16_LE + declared("UTF-16").encode("utf-16-le"), "", NORMAL),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-8", TEXT),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "", TEXT),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), "", TEXT),
        (declared("UTF-16").encode("utf-16-le"), "", NORMAL),
        (declared("UTF-16BE").encode("utf-16-be"), "", NORMAL),
        (TEXT.encode("utf-16-be"), "utf-16be", TEXT),
        (declared("UTF-16").encode(), "", NORMAL),
        (JAPANESE.format("Windows-31J").encode("cp932"), "", JAPANESE.format("UTF-8")),
        (KOREAN.format("cp949").encode("cp949"), "", KOREAN.format("UTF-8")),
        (b"", "", ""),
        (b"\xef\xbb\xbf", "", ""),
    ],
)
def test_the_encoding_is_found(raw, charset, text):
    assert decode(raw, charset) == text


@pytest.mark.parametrize(
    ("raw", "charset", "sentence"),
    [
        (TEXT.encode("cp1252"), "", "failed to decode XML: byte 4 is no utf-8"),
        (TEXT.encode(), "us-ascii", "failed to decode XML: byte 4 is no us-ascii"),
        (codecs.BOM_UTF16_LE + b"<", "", "failed to decode XML: byte 1 is no utf-16-le"),
        (b"<a/>", "utf-7", "encoding utf-7 is not supported: send UTF-8"),
        (declared("hex").encode(), "", "encoding hex is not supported: send UTF-8"),
        (declared("").encode(), "\0", "encoding \0 is not supported: send UTF-8"),
        (b"<a/>", "x" * 1000, f"encoding {'x' * 99} is not supported: send UTF-8"),
    ],
)
def test_what_is_no_text_is_told(raw, charset, sentence):
    with pytest.raises(DecodingError) as caught:
        decode(raw, charset)
    assert str(caught.value) == sentence


def test_only_a_declaration_is_changed():
    assert as_utf8("\ufeff" + declared("latin1")) == "\ufeff" + NORMAL
    for text in ("", TEXT, f"<!--{declared('latin1')}-->", "<?xml version='1.0'?><a encoding='latin1'/>"):
        assert as_utf8(text) == text
