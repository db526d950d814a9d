"""Which spelling a text has, and which texts are templates."""

from __future__ import annotations

import re

from app.expr.failures import CompileError
from app.expr.limits import TEXT
from app.expr.program import Dialect, Program, program_of, program_of_template

_LANGUAGES = {"cel": Dialect.CEL, "https://cel.dev": Dialect.CEL, "feel": Dialect.FEEL, "juel": Dialect.JUEL}
_OPENING = ("${", "#{")
_OPENS = re.compile(r"[$#]\{")
_WITHIN = re.compile(r"""[^'"}]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)


def compile_expression(text: str, language: str = "", default_language: str = "") -> Program:
    """The program of a text that is an expression in any case, such as a condition.

    `language` is what the expression says of its language, `default_language` what the whole file does; they are empty
    where nothing is said. Raises `CompileError`.
    """
    text = _bounded(text.strip())
    return _expression(text, _dialect(text, language, default_language))


def _expression(text: str, dialect: Dialect) -> Program:
    if dialect is Dialect.JUEL and text.startswith(_OPENING):
        end = _closing(text, 2)
        if end != len(text) - 1:
            raise CompileError("JUEL expected the end after }", end + 2)
        text = f"  {text[2:end]}"
    elif dialect is Dialect.FEEL and text.startswith("="):
        text = f" {text[1:]}"
    return program_of(dialect, text)


def compile_text(text: str, language: str = "", default_language: str = "") -> Program | None:
    """The program of a text that may be an expression or a template such as `order-${id}`; None where it is a literal.

    Raises `CompileError`.
    """
    text = text.strip()
    if not text.startswith("=") and not _OPENS.search(text):
        return None
    # The forms come before the language of the file, which needs no look therefore.
    form = Dialect.FEEL if text.startswith("=") else Dialect.JUEL
    dialect = _known(language) if language.strip() else form
    parts = _parts(_bounded(text)) if dialect is Dialect.JUEL else []
    return program_of_template(parts) if len(parts) > 1 else _expression(_bounded(text), dialect)


def constant(text: str) -> Program:
    """The program of a text that stands for itself."""
    return program_of_template([(False, text)])


def _dialect(text: str, language: str, default_language: str) -> Dialect:
    if language.strip():
        return _known(language)
    if text.startswith(_OPENING):
        return Dialect.JUEL
    if text.startswith("="):
        return Dialect.FEEL
    return _known(default_language) if default_language.strip() else Dialect.CEL


def _known(language: str) -> Dialect:
    language = language.strip().lower()
    dialect = Dialect.FEEL if "/feel" in language else _LANGUAGES.get(language)
    if dialect is None:
        raise CompileError("expected CEL, FEEL or JUEL as the language of the expression")
    return dialect


def _bounded(text: str) -> str:
    if len(text) > TEXT:
        raise CompileError(f"expected at most {TEXT} characters", TEXT + 1)
    return text


def _parts(text: str) -> list[tuple[bool, str]]:
    """The constant texts and, marked, the expressions; blanks in front of these keep their columns."""
    parts = []
    start = 0
    while opening := _OPENS.search(text, start):
        if opening.start() > start:
            parts.append((False, text[start : opening.start()]))
        end = _closing(text, opening.end())
        parts.append((True, " " * opening.end() + text[opening.end() : end]))
        start = end + 1
    if start < len(text):
        parts.append((False, text[start:]))
    return parts


def _closing(text: str, start: int) -> int:
    """Where the expression ends that starts there: the next } that is in no string."""
    while match := _WITHIN.match(text, start):
        start = match.end()
    if not text.startswith("}", start):
        raise CompileError("JUEL expected }", len(text) + 1)
    return start
