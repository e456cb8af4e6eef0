"""Which frames of a stack are drawn: up to so many, evenly spaced."""

from __future__ import annotations

MOST_FRAMES = 12
"""Frames of a stack on its overview."""


def frames_to_show(count: int) -> list[int]:
    """Choose the frames of a stack that are drawn.

    Parameters
    ----------
    count : int
        Number of frames, at least 1.

    Returns
    -------
    list of int
        Up to twelve indices, evenly spaced, the first and the last frame among them.
    """
    return evenly_spaced(count, MOST_FRAMES)


def evenly_spaced(count: int, most: int) -> list[int]:
    """Choose places of a list, evenly spaced.

    Parameters
    ----------
    count : int
        Length of the list.
    most : int
        How many places to choose at most.

    Returns
    -------
    list of int
        Places in ascending order, the first and the last one of the list among them.
    """
    shown = min(count, most)
    return sorted({round(index * (count - 1) / max(1, shown - 1)) for index in range(shown)})
