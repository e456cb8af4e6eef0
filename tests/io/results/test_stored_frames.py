"""Frames of a movie are merged with the memory of one."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.frame_file import read_frame_metadata, write_frame
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import open_results
from napari_stem_defects.io.results.stored_frames import StoredFrames

if TYPE_CHECKING:
    from pathlib import Path


def test_frames_are_those_in_the_files(tmp_path: Path) -> None:
    movie = micrograph(frames=3)
    found = [detection(movie, frame, empty=frame == 1) for frame in range(3)]
    paths = [tmp_path / f"{frame}.npz" for frame in range(3)]
    for path, each in zip(paths, found, strict=True):
        write_frame(path, each)
    stored = StoredFrames.read(paths)
    assert list(stored.regions()) == [region for each in found for region in each.regions]
    assert [len(fact["regions"]) for fact in stored.facts] == [len(e.regions) for e in found]
    for path, fact, each, masks, probabilities in zip(
        paths, stored.facts, found, stored.masks(), stored.maps(), strict=True
    ):
        whole = read_frame_metadata(path)
        assert {**fact, "regions": None} == {**whole, "regions": None}
        assert [region.class_name for region in fact["regions"]] == [
            region.class_name for region in whole["regions"]
        ]
        assert masks.packed == each.mask_stack.packed
        assert (probabilities.probability == each.map.probability).all()
    first, last = stored.facts[0], stored.facts[2]
    assert last["parameters"] is first["parameters"]
    assert last["class_data"] is first["class_data"]


@pytest.mark.parametrize("odd_frame", [0, 1, 2])
def test_frames_with_windows_of_their_own_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd_frame: int
) -> None:
    """A frame without a lattice has one window, one of another scale other windows."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    movie = micrograph(frames=3)
    whole = detection(movie)
    found = whole.map
    one = replace(
        found,
        probability=np.zeros((len(found.classes), 1, 1), np.float32),
        y=np.array([47.5], np.float32),
        x=np.array([63.5], np.float32),
        valid=np.ones((1, 1), bool),
    )
    coarse = replace(
        found,
        probability=found.probability[:, ::2, ::2],
        y=found.y[::2],
        x=found.x[::2],
        valid=found.valid[::2, ::2],
    )
    maps = [found, coarse]
    maps.insert(odd_frame, one)
    results = open_results(tmp_path, movie, MODEL, {})
    for frame, each in enumerate(maps):
        results.write_frame(replace(detection(movie, frame), map=each))
    folder = results.merge(movie, MODEL)
    with np.load(folder / "probability.npz") as stored:
        np.testing.assert_array_equal(stored["y"], found.y)
        np.testing.assert_array_equal(stored["x"], found.x)
        merged = stored["probability"]
        assert stored["called"].shape == (3, *found.valid.shape)
    index = {id(each): frame for frame, each in enumerate(maps)}
    np.testing.assert_array_equal(merged[index[id(found)]], found.probability)
    np.testing.assert_array_equal(merged[index[id(coarse)]][:, ::2, ::2], coarse.probability)
    assert not merged[index[id(one)]].any()


def merged_peak(folder: Path, frames: int) -> int:
    """Return the most bytes that merging a movie takes."""
    movie = micrograph(frames=frames, shape=(64, 104))
    results = open_results(folder, movie, MODEL, {})
    for frame in range(frames):
        results.write_frame(detection(movie, frame))
    tracemalloc.start()
    results.merge(movie, MODEL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_merging_takes_the_memory_of_one_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added per frame is less than its line in the summary; masks alone are 50 times."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    monkeypatch.setattr(
        "napari_stem_defects.io.results.frame_pages.draw_frame_page",
        lambda *_: Image.new("RGB", (8, 8)),
    )
    few, many = merged_peak(tmp_path / "few", 40), merged_peak(tmp_path / "many", 140)
    per_frame = (many - few) / 100
    print(f"{few / 1e6:.2f} MB for 40 frames, {per_frame:.0f} bytes per further frame")
    assert per_frame < 10_000
    assert len(read_results(next((tmp_path / "many").iterdir()))) == 140
