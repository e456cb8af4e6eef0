"""Natural order of names: by the numbers in them."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)")


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts ``class2`` before ``class10``.

    Parameters
    ----------
    name : str
        Capitals come before small letters, as in the order of texts.

    Returns
    -------
    list of (int, str)
        Texts and numbers of the name in turn.
    """
    parts = _NUMBER.split(name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts]
