"""Images that scripts give: what is converted, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.api.arguments import frame_of

PIXELS = np.random.default_rng(0).integers(1, 200, (64, 80)).astype(np.float32)


def dask_array(pixels: np.ndarray) -> Any:
    return pytest.importorskip("dask.array").from_array(pixels)


@pytest.mark.parametrize(
    "convert",
    [
        *(lambda a, kind=kind: a.astype(kind) for kind in ("f8", ">f4", "f2", "u2", "i4", "u1")),
        np.ndarray.tolist,
        dask_array,
        np.asfortranarray,
        lambda a: a[:, ::-1][:, ::-1],
    ],
)
def test_any_real_array_is_an_image(convert: Callable[[np.ndarray], Any]) -> None:
    shown = frame_of(sd.Micrograph(convert(PIXELS), "a", pixel_size_nm=np.float32(0.5)))
    np.testing.assert_array_equal(shown.pixels, PIXELS)
    assert shown.pixels.dtype == np.float32
    assert (shown.invalid, shown.pixel_size_nm) == (None, 0.5)


def test_pixels_without_a_value_are_filled_as_in_files() -> None:
    """They made the lattice invisible."""
    crystal = sd.simulate(size=192, defects=["vacancy"]).micrograph
    pixels = crystal.pixels.astype(float)
    pixels[:20, :30] = np.nan
    micrograph = sd.Micrograph(np.stack([crystal.pixels, pixels]), "a", crystal.pixel_size_nm)
    shown = frame_of(micrograph, 1)
    assert np.isfinite(shown.pixels).all()
    assert shown.invalid is not None
    assert shown.invalid.sum() == 600
    assert sd.survey(micrograph, frame=1).lattice.kind == "one"


@pytest.mark.parametrize("kind", ["f4", "f8", "u1", "i4"])
def test_masked_pixels_are_without_a_value(kind: str) -> None:
    masked = np.ma.masked_array(PIXELS.astype(kind), np.zeros(PIXELS.shape, bool))
    masked[:4, :5] = np.ma.masked
    shown = frame_of(sd.Micrograph(masked, "a"))
    assert type(shown.pixels) is np.ndarray
    assert shown.invalid is not None
    assert shown.invalid.sum() == shown.invalid[:4, :5].sum() == 20
    np.testing.assert_array_equal(shown.pixels[4:], PIXELS[4:])


class Elsewhere:
    """An array that no program but its own reads, as a tensor on a GPU."""

    ndim, shape = 2, PIXELS.shape

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise RuntimeError("copy it to the host first")


def test_an_array_that_cannot_be_converted_is_one_line() -> None:
    with pytest.raises(sd.InputError, match=r"a: the Elsewhere cannot be converted \(copy it"):
        frame_of(sd.Micrograph(Elsewhere(), "a"))


@pytest.mark.parametrize("verb", [sd.survey, sd.detect, sd.preprocess])
@pytest.mark.parametrize("given", ["a.tif", None])
def test_what_is_no_micrograph_is_refused_in_one_line(
    verb: Callable[[object], object], given: object
) -> None:
    with pytest.raises(
        sd.InputError, match=r"no micrograph; sd\.read|give one frame|axes"
    ) as error:
        verb(given)
    assert "\n" not in str(error.value)


def test_an_array_is_named_with_the_way_to_a_micrograph() -> None:
    with pytest.raises(sd.InputError, match=r"^ndarray is no micrograph; .*sd.Micrograph\(array"):
        sd.survey(PIXELS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixels", "frame", "message"),
    [
        (np.full((64, 64), np.nan), 0, "no finite pixel"),
        (np.zeros((64, 64, 3)), 0, "a colour image; give one channel"),
        (PIXELS, 1.0, "frame 1.0 is not a whole number"),
        (PIXELS, 2, "there is no frame 2"),
        (np.full((9, 9), "a"), 0, "a: "),
    ],
)
def test_impossible_images_are_refused(pixels: np.ndarray, frame: int, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        frame_of(sd.Micrograph(pixels, "a"), frame)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride 0: give a whole number"),
        ({"stride": 2.5}, "stride 2.5: give a whole number"),
        ({"thresholds": {"SF1": 5}}, "threshold 5 for SF1: give a probability"),
        ({"thresholds": {"SF1": "high"}}, "threshold high for SF1: give a probability"),
        ({"thresholds": 0.5}, "thresholds 0.5: give them by class"),
        ({"stride": "8"}, "stride 8: give a whole number"),
    ],
)
def test_numbers_of_a_detection_are_checked_first(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.detect(sd.Micrograph(PIXELS, "a"), "cdte-110", **options)


@pytest.mark.parametrize("model", [3, None, ["cdte-110"], np.zeros((2, 2))])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(sd.InputError, match="is no model; give a loaded one"):
        sd.detect(sd.Micrograph(PIXELS, "a"), model)
    with pytest.raises(sd.InputError, match="is no model; give a loaded one"):
        sd.load_model(model)


def test_one_source_is_a_list_of_one() -> None:
    for act in (lambda: sd.train("own.labels"), lambda: sd.evaluate("cdte-110", "own.labels")):
        with pytest.raises(sd.InputError, match=r"own\.labels"):
            act()
    with pytest.raises(sd.InputError, match="no labelled data is given"):
        sd.evaluate("cdte-110", [])
