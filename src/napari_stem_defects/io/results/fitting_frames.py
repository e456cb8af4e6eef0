"""In which frames of a stack the lattice fits the model, stated for the stack as a whole.

A movie may begin or end in vacuum, with a blanked beam or out of focus. Such a frame shows nothing
of the crystal of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.detection.model_choice import NOT_RECOGNISED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_LISTED = 5


@dataclass(frozen=True)
class FittingFrames:
    """What the frames of a result state together about the model.

    Attributes
    ----------
    recognised : bool
        Whether the model recognises a frame, and at least half of those with a lattice.
    typical : int
        Place of the first of the frames that fit best; its parameters are those of the stack.
    count : int
        In how many frames the lattice fits the model.
    statement : str
        In how many frames, and why not in the others; "" where all are alike.
    left_out : frozenset of int
        Indices of the frames that do not fit where others do: nothing was searched in them.
    """

    recognised: bool
    typical: int
    count: int
    statement: str = ""
    left_out: frozenset[int] = frozenset()

    @classmethod
    def of(cls, frames: Sequence[Mapping[str, Any]]) -> FittingFrames:
        """Compare the frames of a result.

        Parameters
        ----------
        frames : sequence of mapping
            Metadata of each frame, at least one; see `frame_file.read_frame_metadata`.

        Returns
        -------
        FittingFrames
        """
        ranks = [_rank(frame) for frame in frames]
        count, known = sum(rank > 0 for rank in ranks), ranks.count(_RECOGNISED)
        foreign = sum(
            rank < _RECOGNISED and _has_lattice(frame["parameters"])
            for rank, frame in zip(ranks, frames, strict=True)
        )
        typical = ranks.index(max(ranks))
        statement, left_out = "", frozenset[int]()
        if 0 < count < len(frames):
            others = [frame for frame, rank in zip(frames, ranks, strict=True) if rank == 0]
            left_out = frozenset(int(frame["frame"]) for frame in others)
            own = str(frames[typical]["parameters"].get("recognition") or "")
            statement = "; ".join(filter(None, (own, _describe(others, count, len(frames)))))
        # Of a blank image alone a survey would show no more.
        recognised = known >= foreign if known else all(map(_is_recognised, frames))
        return cls(recognised, typical, count, statement, left_out)


_REFUSED, _NAMED, _RECOGNISED = range(3)


def _is_recognised(frame: Mapping[str, Any]) -> bool:
    return bool(frame["parameters"].get("recognised", True))


def _rank(frame: Mapping[str, Any]) -> int:
    """Return whether a frame is refused, gets generic names only, or is recognised."""
    parameters = frame["parameters"]
    if _is_recognised(frame):
        is_blank = not frame["called"] and not _has_lattice(parameters)
        return _REFUSED if is_blank else _RECOGNISED
    refused = str(parameters.get("recognition") or NOT_RECOGNISED).startswith(NOT_RECOGNISED)
    return _REFUSED if refused else _NAMED


def _has_lattice(parameters: Mapping[str, Any]) -> bool:
    lattice = parameters.get("lattice")
    return lattice is None or "angle_deg" in lattice


def _describe(others: Sequence[Mapping[str, Any]], count: int, total: int) -> str:
    numbers = ", ".join(str(frame["frame"]) for frame in others[:_MAX_LISTED])
    more = len(others) - _MAX_LISTED
    listed = f"{numbers} and {more} more" if more > 0 else numbers
    parameters = others[0]["parameters"]
    _, _, reason = str(parameters.get("recognition") or "").partition(": ")
    reason = reason or str((parameters.get("lattice") or {}).get("reason") or "")
    frames = "frames" if len(others) > 1 else "frame"
    why = f": {reason}" if reason else ""
    return f"the lattice fits in {count} of {total} frames, not in {frames} {listed}{why}"
