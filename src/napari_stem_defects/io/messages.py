"""One-line error messages about files: file, fault, advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 200
_NAME_LIMIT = 60


def one_line(path: Path, fault: str, advice: str) -> str:
    """Return ``name: fault; advice`` in at most 200 printable characters.

    Parameters
    ----------
    path : Path
        Only its last part is shown; a long name is shortened in the middle.
    fault : str
        What is wrong; may be text of a library. It is cut if the line gets too long.
    advice : str
        What to do; never cut.

    Returns
    -------
    str
        The message, without line breaks.
    """
    name, advice = _printable(_shorten(path.name or str(path), _NAME_LIMIT)), _printable(advice)
    room = LIMIT - len(name) - len(advice) - len(": ; ")
    return f"{name}: {_shorten_end(_printable(fault), room)}; {advice}"


def _printable(text: str) -> str:
    spaced = (sign if sign.isprintable() else " " for sign in text)
    return " ".join("".join(spaced).split())


def _shorten(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _shorten_end(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(length - 1, 0)].rstrip()}…"
