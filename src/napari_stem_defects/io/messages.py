"""The one line a user gets to read when a file cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 200
_NAME_LIMIT = 60


def one_line(path: Path, fault: str, advice: str) -> str:
    """Say which file it is, what is wrong with it and what to do, in at most 200 characters.

    Parameters
    ----------
    path : Path
        Named by its last part; a long one is shortened in the middle.
    fault : str
        Cut where the line would get too long; may come from a library, so it is cleaned.
    advice : str
        Kept whole.
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
