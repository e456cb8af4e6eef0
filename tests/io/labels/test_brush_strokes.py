"""Masks of brush strokes, as label-studio-sdk 2.1.2 encodes them and as the browser may."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.io.labels.brush_strokes import painted_mask

SHAPE = (6, 9)
# fmt: off
BY_THE_SDK = [
    0, 0, 0, 216, 57, 27, 254, 43, 0, 191, 255, 132, 192, 35, 255, 140, 2, 127, 252, 38, 1, 127,
    255, 19, 128, 71, 255, 137, 192, 0,
]
# fmt: on


def painted() -> np.ndarray:
    """Return a square with a hole, and a single px."""
    mask = np.zeros(SHAPE, bool)
    mask[1:4, 2:6] = True
    mask[2, 3] = False
    mask[4, 7] = True
    return mask


def as_literals(mask: np.ndarray, opacity: int = 255) -> list[int]:
    """Encode a mask in one run of different values, as of the smoothed rim of a stroke."""
    values = np.repeat(mask.ravel().astype(int) * opacity, 4)
    text = f"{values.size:032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    text += f"011{values.size - 1:016b}" + "".join(f"{value:08b}" for value in values)
    text += "0" * (-len(text) % 8)
    return [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


def test_runs_of_equal_and_of_different_values_are_read() -> None:
    np.testing.assert_array_equal(painted_mask(BY_THE_SDK, SHAPE), painted())
    np.testing.assert_array_equal(painted_mask(as_literals(painted()), SHAPE), painted())


@pytest.mark.parametrize(("opacity", "count"), [(127, 0), (128, 12)])
def test_the_smoothed_rim_is_painted_from_half_opacity(opacity: int, count: int) -> None:
    assert painted_mask(as_literals(painted(), opacity), SHAPE).sum() == count


@pytest.mark.parametrize(
    ("encoded", "shape", "fault"),
    [
        (BY_THE_SDK, (9, 9), "not of the size"),
        (BY_THE_SDK[:-12], SHAPE, "ends early"),
        (BY_THE_SDK[:3], SHAPE, "ends early"),
        ([], SHAPE, "no list of bytes"),
        ([*BY_THE_SDK[:-1], 256], SHAPE, "no list of bytes"),
        ([*BY_THE_SDK[:-1], -1], SHAPE, "no list of bytes"),
        (["a"], SHAPE, "no list of bytes"),
        ([[1, 2], [3, 4]], SHAPE, "no list of bytes"),
    ],
)
def test_damaged_strokes_are_refused(
    encoded: list[int], shape: tuple[int, int], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        painted_mask(encoded, shape)


def test_every_shortened_or_changed_stroke_is_read_or_refused() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = list(BY_THE_SDK)
        changed[rng.integers(len(changed))] = int(rng.integers(256))
        faults = None
        try:
            found = painted_mask(changed[: rng.integers(1, len(changed) + 1)], SHAPE)
        except ValueError as error:
            faults = str(error)
        assert found.shape == SHAPE if faults is None else "brush stroke" in faults
