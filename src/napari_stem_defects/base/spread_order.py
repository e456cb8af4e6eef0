"""Order in which the frames of a stack are looked at where a few shall stand for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def spread_order(frames: Sequence[int]) -> Iterator[int]:
    """Yield frames so that the first few are spread over the whole stack.

    The place of each frame counts with its binary digits reversed, as in the sequence of van der
    Corput: first, middle, quarters, eighths.

    Parameters
    ----------
    frames : sequence of int

    Yields
    ------
    int
        Each frame once, the first one first.
    """
    digits = max(len(frames) - 1, 0).bit_length()
    for number in range(2**digits):
        place = int(f"{number:0{digits}b}"[::-1], 2) if digits else 0
        if place < len(frames):
            yield frames[place]
