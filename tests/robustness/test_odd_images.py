"""Every odd image has a defined result: defects or none, or one line; and never a NaN."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture
from small_model import write_small_model

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.postprocessing.results import Detection
from napari_stem_defects.preprocessing.pipeline import stages
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.simulation.simulate import simulate


@dataclass(frozen=True)
class Odd:
    """An odd image and what has to become of it.

    Attributes
    ----------
    make : callable
        Returns the array, given a folder for its files.
    result : str
        "usual": as that of the same image in float32; "searched": windows are called; "blank":
        none is, so there is no defect; anything else: words of the one line that refuses it.
    note : str
        Words of the note that tells what was done.
    colour : bool
        Whether the last axis holds samples.
    """

    make: Callable[[Path], Any]
    result: str = "usual"
    note: str = ""
    colour: bool = False


@cache
def lattice() -> NDArray[np.uint8]:
    """Return 127 x 149 px (both prime) of a crystal, 8 bits."""
    pixels = simulate("cdte-110", size=160, seed=1).micrograph.pixels[:127, :149]
    return np.clip(255 * pixels / pixels.max(), 1, 254).astype(np.uint8)


def grey(_: Path) -> NDArray[np.float32]:
    return lattice().astype(np.float32)


def typed(dtype: str, factor: float = 1, offset: float = 0) -> Callable[[Path], NDArray[Any]]:
    return lambda _: (lattice().astype(np.float64) * factor + offset).astype(dtype)


def with_value(value: float, *where: slice) -> Callable[[Path], NDArray[Any]]:
    def make(folder: Path) -> NDArray[Any]:
        pixels = grey(folder)
        pixels[where or (40, 50)] = value
        return pixels

    return make


def filled(shape: tuple[int, ...], value: float = 7, dtype: str = "f4") -> Callable[[Path], Any]:
    return lambda _: np.full(shape, value, dtype)


def saturated(_: Path) -> NDArray[Any]:
    return np.where(lattice() > 100, 255, lattice()).astype(np.uint8)


def memmap(folder: Path) -> NDArray[Any]:
    np.save(folder / "mapped.npy", lattice())
    return np.load(folder / "mapped.npy", mmap_mode="r")


def lazy(_: Path) -> Any:
    return pytest.importorskip("dask.array").from_array(lattice(), chunks=(50, 60))


def spaced(_: Path) -> NDArray[Any]:
    wide = np.zeros((2 * 127, 3 * 149), np.uint8)
    wide[::2, ::3] = lattice()
    return wide[::2, ::3]


def samples(*factors: float) -> Callable[[Path], NDArray[Any]]:
    return lambda _: np.stack([lattice() * f for f in factors], -1).astype(np.uint8)


def pairs(_: Path) -> NDArray[Any]:
    return np.zeros((70, 70), [("a", "f4"), ("b", "f4")])


WHOLE = slice(None)
ODD = {
    "one NaN": Odd(with_value(np.nan), "searched", "1 pixels were not finite"),
    "one infinity": Odd(with_value(-np.inf), "searched", "1 pixels were not finite"),
    "a row of NaN": Odd(with_value(np.nan, slice(60, 61), WHOLE), "searched", "149 pixels"),
    "half NaN": Odd(with_value(np.nan, WHOLE, slice(74, None)), "searched", "not finite"),
    "nothing but NaN": Odd(filled((80, 80), np.nan), "no finite pixel"),
    "nothing but infinity": Odd(filled((80, 80), np.inf), "no finite pixel"),
    "constant": Odd(filled((96, 80)), "blank"),
    "zeros": Odd(filled((96, 80), 0), "blank"),
    "constant and huge": Odd(filled((96, 80), 1e38), "blank", "divided"),
    "constant 16 bits": Odd(filled((96, 80), 65535, "u2"), "blank", "saturated"),
    "one pixel of all": Odd(lambda _: np.eye(96) * (np.arange(96) == 50), "searched"),
    "saturated": Odd(saturated, "searched", "saturated"),
    "1 bit": Odd(lambda _: lattice() > 100, "searched"),
    "8 bits": Odd(lambda _: lattice()),
    "8 bits with sign": Odd(typed("i1", 0.5, -64), "searched"),
    "16 bits with an offset": Odd(typed("u2", 1, 30_000)),
    "16 bits below zero": Odd(typed("i2", 1, -20_000)),
    "32 bits": Odd(typed("i4")),
    "64 bits": Odd(typed("u8", 2.0**55), "usual", "divided"),
    "half precision": Odd(typed("f2")),
    "double precision": Odd(typed("f8")),
    "extended precision": Odd(typed("longdouble")),
    "huge numbers": Odd(typed("f8", 1e290), "usual", "divided"),
    "tiny numbers": Odd(typed("f8", 1e-290), "usual", "divided"),
    "numbers below the smallest float": Odd(typed("f4", 1e-41), "searched", "divided"),
    "a huge range": Odd(with_value(1e30), "searched", "divided"),
    "complex": Odd(lambda _: lattice() * np.exp(1j * np.pi / 3), "usual", "magnitude"),
    "complex single": Odd(typed("c8"), "usual", "magnitude"),
    "big-endian integers": Odd(typed(">u2")),
    "big-endian floats": Odd(typed(">f4")),
    "every second pixel of an array": Odd(spaced),
    "negative strides": Odd(lambda _: np.ascontiguousarray(lattice()[::-1, ::-1])[::-1, ::-1]),
    "columns first": Odd(lambda _: np.asfortranarray(lattice())),
    "read-only memory map": Odd(memmap),
    "lazy": Odd(lazy),
    "one row": Odd(filled((1, 500)), "smaller than one window"),
    "one column": Odd(filled((500, 1)), "smaller than one window"),
    "one pixel": Odd(filled((1, 1)), "smaller than one window"),
    "63 x 63": Odd(lambda _: lattice()[:63, :63], "smaller than one window"),
    "64 x 64": Odd(lambda _: lattice()[:64, :64], "searched"),
    "64 x 149": Odd(lambda _: lattice()[:64], "searched"),
    "prime sizes": Odd(lambda _: lattice()[:67, :131], "searched"),
    "equal colours": Odd(samples(1, 1, 1), "usual", "Three equal colour", colour=True),
    "colours": Odd(samples(1, 0.5, 0.2), "searched", "luminance", colour=True),
    "colours with alpha": Odd(samples(1, 1, 1, 0.5), "usual", "alpha", colour=True),
    "two channels": Odd(samples(1, 0.5), "2 colour channels", colour=True),
    "a stack": Odd(lambda _: np.stack([lattice()] * 3)),
    "a stack of colours": Odd(lambda p: np.stack([samples(1, 1, 1)(p)] * 2), colour=True),
    "a stack of stacks": Odd(filled((2, 3, 70, 70)), "4 axes"),
    "no pixels": Odd(filled((0, 80)), "no pixels"),
    "no frames": Odd(filled((0, 80, 80)), "no pixels"),
    "a line": Odd(filled((500,)), "single row"),
    "a number": Odd(filled(()), "single row"),
    "objects": Odd(lambda _: np.full((70, 70), None), "instead of numbers"),
    "text": Odd(lambda _: np.full((70, 70), "a"), "instead of numbers"),
    "dates": Odd(lambda _: np.zeros((70, 70), "M8[s]"), "instead of numbers"),
    "pairs of numbers": Odd(pairs, "instead of numbers"),
}


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: test_overview.py looks at the picture."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Picture.new("RGB", (8, 8)))


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    return load_model(write_small_model(tmp_path_factory.mktemp("m") / "small.safetensors"))


def detect(image: Micrograph, ensemble: Ensemble) -> Detection:
    calibrated = image.with_pixel_size(0.027, "user").frame(0)
    return detect_frame(calibrated, ensemble, stride=16, device="cpu")


@pytest.fixture(scope="module")
def usual(ensemble: Ensemble) -> Detection:
    return detect(FrameInput(lattice().astype(np.float32), "image").micrograph(), ensemble)


@pytest.mark.parametrize("kind", ODD)
def test_odd_images(tmp_path: Path, ensemble: Ensemble, usual: Detection, kind: str) -> None:
    odd = ODD[kind]
    try:
        image = FrameInput(odd.make(tmp_path), "image", odd.colour).micrograph()
        found = detect(image, ensemble)
    except InputError as error:
        line = str(error)
        assert odd.result in line
        assert line.startswith("image: ")
        assert "\n" not in line
        return
    assert odd.result in ("usual", "searched", "blank")
    assert odd.note in " ".join(image.notes)
    assert np.isfinite(image.pixels).all()
    assert_without_nan(found, image, tmp_path)
    if odd.result == "usual":
        # What a factor or an offset leaves of 24 bits.
        assert np.abs(found.map.probability - usual.map.probability).max() < 1e-3
        np.testing.assert_array_equal(found.map.valid, usual.map.valid)
    elif odd.result == "searched":
        assert found.map.valid.any()
    else:
        assert not found.map.valid.any()
        assert not found.masks.any()
        assert found.regions == ()


def assert_without_nan(found: Detection, image: Micrograph, folder: Path) -> None:
    """Check arrays and files, and the stages of the preprocessing."""
    assert np.isfinite(found.map.probability).all()
    for settings in (PreprocessingSettings.paper(), PreprocessingSettings()):
        assert all(np.isfinite(stage).all() for stage in stages(image.frame(0).pixels, settings))
    single = image.frame(0)
    path = write_results(folder, single, [found], {"name": "small", "sha256": "ab"})
    (again,) = read_results(path)
    assert np.isfinite(again.map.probability).all()
    json.loads((path / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert "nan" not in (path / "regions.csv").read_text(encoding="utf-8").lower()


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in the summary")


def test_there_are_enough_of_them() -> None:
    assert len(ODD) >= 25


@pytest.mark.parametrize("kind", ["one NaN", "complex", "big-endian floats", "1 bit", "63 x 63"])
def test_files_of_odd_images_give_the_same(tmp_path: Path, ensemble: Ensemble, kind: str) -> None:
    array = ODD[kind].make(tmp_path)
    np.save(tmp_path / "image.npy", array)
    from_file, from_memory = read(tmp_path / "image.npy"), FrameInput(array, "image").micrograph()
    np.testing.assert_array_equal(from_file.pixels, from_memory.pixels)
    assert from_file.notes == from_memory.notes
    if min(array.shape) >= 64:
        one, other = detect(from_file, ensemble), detect(from_memory, ensemble)
        np.testing.assert_array_equal(one.map.probability, other.map.probability)
