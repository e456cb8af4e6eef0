"""One-line error messages about files: file, fault, advice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 200
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\\\]")
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


def is_url(path: str | Path) -> bool:
    """Return whether a path looks like a URL, also after `Path` has merged its slashes.

    Parameters
    ----------
    path : str or Path
        What the user gave.

    Returns
    -------
    bool
        True for ``https://...``; False for drives such as ``C:/...``.
    """
    return _URL.match(str(path)) is not None


def missing_file(
    path: Path,
    fault: str = "does not exist",
    advice: str = "check the spelling and the folder",
) -> str:
    """Return the message about a path that does not exist.

    Parameters
    ----------
    path : Path
        What the user gave.
    fault, advice : str
        Of paths that are not URLs.

    Returns
    -------
    str
        One line; for a URL it states that URLs are not read.
    """
    if is_url(path):
        return one_line(path, "is a URL, and URLs are not read", "download the file first")
    return one_line(path, fault, advice)


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
