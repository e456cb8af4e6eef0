"""A blank frame says nothing about the model of a stack, and is stated."""

from __future__ import annotations

from typing import Any

import pytest

from napari_stem_defects.io.results.fitting_frames import FittingFrames

LATTICE = {"kind": "single", "angle_deg": 70.5}
KNOWN: dict[str, Any] = {"recognised": True, "lattice": LATTICE}
GENERIC: dict[str, Any] = {
    "recognised": False,
    "recognition": "generic names: the lattice is square",
    "lattice": LATTICE,
}
BLANK: dict[str, Any] = {
    "recognised": False,
    "recognition": "not recognised: no lattice, the image is blank",
    "lattice": {"kind": "none", "reason": "the image is blank"},
}
FOREIGN: dict[str, Any] = {
    "recognised": False,
    "recognition": "not recognised: only 1 % of it is Bulk",
    "lattice": LATTICE,
}
# Nothing can be said of an image without a window to look at.
EMPTY: dict[str, Any] = {"recognised": True, "lattice": BLANK["lattice"]}


def of(*parameters: dict[str, Any]) -> FittingFrames:
    return FittingFrames.of(
        [
            {"frame": number, "parameters": each, "called": 0.0 if each is EMPTY else 0.9}
            for number, each in enumerate(parameters)
        ]
    )


@pytest.mark.parametrize(
    ("frames", "recognised", "typical", "count"),
    [
        ([KNOWN], True, 0, 1),
        ([{}], True, 0, 1),
        ([BLANK], False, 0, 0),
        ([EMPTY], True, 0, 0),
        ([EMPTY, KNOWN], True, 1, 1),
        ([BLANK, KNOWN, BLANK, BLANK], True, 1, 1),
        ([FOREIGN, FOREIGN, KNOWN], False, 2, 1),
        ([BLANK, GENERIC], False, 1, 1),
        ([GENERIC, KNOWN, KNOWN], True, 1, 3),
    ],
)
def test_frames_with_a_lattice_decide(
    frames: list[dict[str, Any]], recognised: bool, typical: int, count: int
) -> None:
    found = of(*frames)
    assert (found.recognised, found.typical, found.count) == (recognised, typical, count)
    assert len(found.left_out) == (len(frames) - count if count else 0)


def test_the_frames_that_do_not_fit_are_stated() -> None:
    assert of(BLANK, BLANK).statement == of(KNOWN, KNOWN).statement == ""
    blank = "no lattice, the image is blank"
    assert (
        of(BLANK, KNOWN).statement == f"the lattice fits in 1 of 2 frames, not in frame 0: {blank}"
    )
    assert of(EMPTY, KNOWN).statement.endswith("not in frame 0: the image is blank")
    many = of(KNOWN, *[BLANK] * 8).statement
    assert "in 1 of 9 frames, not in frames 1, 2, 3, 4, 5 and 3 more: " in many
    generic = of(BLANK, GENERIC).statement
    assert generic.startswith(f"{GENERIC['recognition']}; the lattice fits in 1 of 2 frames")
