"""Defects followed through a movie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from result_samples import MODEL, detection
from simulated_movies import Movie, found_regions, simulate_movie

from napari_stem_defects import InputError, track
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results import stored_result
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.io.results.stored_result import StoredResult

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph


@pytest.fixture
def movie() -> Movie:
    return simulate_movie(12, hop_probability=0.08, death_probability=0.0, seed=2)


@pytest.fixture
def folder(movie: Movie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a result folder in whose tables the vacancies of the movie are."""
    tifffile.imwrite(tmp_path / "movie.tif", movie.frames, photometric="minisblack")
    micrograph = read(tmp_path / "movie.tif")
    found = [detection(micrograph, frame, empty=True, nm=None) for frame in range(12)]
    folder = write_results(tmp_path / "out", micrograph, found, MODEL)
    regions, _ = found_regions(movie)
    listed = [region for each in regions.values() for region in each]
    monkeypatch.setattr(stored_result, "read_regions_with_lines", lambda *_: listed)
    lattice = {"vectors_px": movie.vectors_px.tolist()}
    original = stored_result.read_summary

    def with_lattice(path: Path) -> dict[str, object]:
        summary = original(path)
        summary["parameters"]["lattice"] = lattice
        return summary

    monkeypatch.setattr(stored_result, "read_summary", with_lattice)
    return folder


def test_drift_and_hops_of_a_movie_are_found(folder: Path, movie: Movie) -> None:
    found = track(folder, frame_time_s=0.5)
    errors = np.linalg.norm(found.tracks.drift.shift_px - movie.drift_px, axis=1)
    assert errors.max() < 0.1
    assert found.range_px == pytest.approx(1.2 * 13.9)
    assert len(found.tracks.hops) == pytest.approx(movie.hops, abs=2)
    for hop in found.tracks.hops:
        assert hop.steps_a is not None
        assert hop.steps_b is not None
        # One step along one of the two vectors.
        assert sorted(map(abs, (round(hop.steps_a), round(hop.steps_b)))) == [0, 1]
    assert {path.name for path in found.folder.iterdir()} == {
        *("tracking.json", "drift.csv", "tracks.csv", "histories.csv", "hops.csv"),
        *("counts.csv", "counts.png"),
    }
    assert StoredResult(folder).frames == tuple(range(12))  # the result itself is as it was


def test_without_drift_no_image_is_needed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "movie.tif").unlink()
    with pytest.raises(InputError, match="its image is not found"):
        track(folder)
    found = track(folder, take_out_drift=False, range_px=5.0)
    assert not found.tracks.drift.shift_px.any()
    assert found.range_px == 5


def test_of_several_signals_the_one_searched_is_read(
    folder: Path, movie: Movie, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = stored_result.read_summary(folder)
    summary["image"]["signal"] = "HAADF"
    monkeypatch.setattr(stored_result, "read_summary", lambda _: summary)
    chosen: list[str] = []

    def read_signal(path: Path, signal: str) -> Micrograph:
        chosen.append(signal)
        return read(path)

    track(folder, read_image=read_signal)
    assert chosen == ["HAADF"]


def test_another_image_is_refused(folder: Path, tmp_path: Path, movie: Movie) -> None:
    tifffile.imwrite(tmp_path / "other.tif", movie.frames[::-1], photometric="minisblack")
    with pytest.raises(InputError, match="is not the image that was searched"):
        track(folder, image=tmp_path / "other.tif")


def test_a_single_image_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((96, 128), np.float32))
    micrograph = read(tmp_path / "a.tif")
    folder = write_results(tmp_path / "out", micrograph, [detection(micrograph)], MODEL)
    with pytest.raises(InputError, match="single frame"):
        track(folder)
