"""Texts of a drawing: how wide they are, about, and where their lines end."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

LINE = 1.25
"""Height of a line, in font sizes."""
MOST_CHARACTERS = 300
"""Of a text that is drawn; a drawing holds all of it as a tooltip, up to MOST_OF_TOOLTIP."""
MOST_OF_TOOLTIP = 1000

_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.24),
    **dict.fromkeys("fIt.,:;!()[]{}/\\` ", 0.3),
    **dict.fromkeys('r-"', 0.37),
    **dict.fromkeys("acksvxyzJ_^?", 0.52),
    **dict.fromkeys("wCDGHNOQRU&", 0.74),
    **dict.fromkeys("mMW%@", 0.88),
}
_LARGEST = 1.07
"""How much wider than the others the widest of the common fonts is, about half of it."""
_WIDE = frozenset("WF")


def width(text: str, size: float) -> float:
    """Of a line in a common sans serif."""
    return size * _LARGEST * sum(_width(character) for character in text)


def _width(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if not character.isascii():
        if unicodedata.combining(character):
            return 0.0
        return 1.0 if unicodedata.east_asian_width(character) in _WIDE else 0.62
    return 0.68 if character.isupper() else 0.56


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """At most so many lines that fit into the room; the last one ends with an ellipsis where something is left out."""
    lines: list[str] = []
    for paragraph in shown(text, MOST_CHARACTERS).splitlines():
        lines += _lines(paragraph, size, room)
    lines = [line for line in lines if line]
    if len(lines) <= max(most, 1):
        return lines
    kept = lines[: max(most, 1)]
    last = kept[-1]
    while last and width(last + "…", size) > room:
        last = last[:-1]
    return [*kept[:-1], last.rstrip() + "…"]


def shown(text: str, most: int) -> str:
    """The text without what is not allowed in XML, and not longer than that."""
    text = "".join(character for character in text if character in "\n\t" or _is_allowed(character))
    return text if len(text) <= most else text[: most - 1] + "…"


def _is_allowed(character: str) -> bool:
    return character >= " " and not "\ud800" <= character <= "\udfff" and character not in "\ufffe\uffff"


def _lines(paragraph: str, size: float, room: float) -> Iterator[str]:
    line = ""
    for word in paragraph.split():
        for piece in _pieces(word, size, room):
            longer = f"{line} {piece}" if line else piece
            if line and width(longer, size) > room:
                yield line
                line = piece
            else:
                line = longer
    yield line


def _pieces(word: str, size: float, room: float) -> Iterator[str]:
    """The word, in pieces where it does not fit."""
    if width(word, size) <= room:
        yield word
        return
    piece = ""
    for character in word:
        if piece and width(piece + character, size) > room:
            yield piece
            piece = ""
        piece += character
    yield piece
