"""Tables of a movie."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from written_results import write_image, write_result

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.tracks_folder import (
    FOLDER,
    Tracks,
    read_track_points,
    track_array,
    write_tracks,
)
from napari_stem_defects.statistics.rates import Observed, rate
from napari_stem_defects.tracking.drift import Drift
from napari_stem_defects.tracking.histories import (
    FrameCount,
    class_dynamics,
    find_hops,
    make_histories,
)
from napari_stem_defects.tracking.linking import Spot

if TYPE_CHECKING:
    from pathlib import Path

SPOTS = [
    Spot(1, 0, "=Vac", 1, 40, 50, 40, 50),
    Spot(1, 1, "=Vac", 2, 41, 64, 40, 64),
    Spot(2, 1, "=Vac", 1, 60, 60, 59, 60),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_result(write_image(tmp_path / "m.tif", 2), tmp_path / "out")
    hops = find_hops(SPOTS, np.array([[0, 14.0], [14.0, 0]]))
    histories = make_histories(SPOTS, hops, [0, 1], (96, 128), 8)
    tracks = Tracks(
        Drift((0, 1), np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1.0, 0.9])),
        SPOTS,
        hops[1],
        histories,
        class_dynamics(histories, 3),
        [FrameCount(f, "=Vac", rate([Observed((1.0,), 1.0)])) for f in (0, 1)],
    )
    about = {
        "image": "m",
        "pixel_size_nm": 0.05,
        "frame_time_s": 2.0,
        "fingerprint": read_summary(folder)["fingerprint"],
    }
    assert write_tracks(folder, tracks, about, {}) == (folder / FOLDER, ())
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_table_holds_what_its_columns_state(folder: Path) -> None:
    drift = rows(folder, "drift.csv")[1]
    assert (drift["drift_y_px"], drift["drift_y_nm"]) == ("1", "0.05")
    point = rows(folder, "tracks.csv")[1]
    assert (point["y_px"], point["y_fixed_px"], point["drift_y_px"]) == ("41", "40", "1")
    assert float(point["x_fixed_nm"]) == pytest.approx(3.2)
    assert [row["hop"] for row in rows(folder, "tracks.csv")] == ["0", "1", "0"]
    (hop,) = rows(folder, "hops.csv")
    assert (hop["length_px"], hop["length_nm"], hop["steps_a"]) == ("14", "0.7", "1")
    born = rows(folder, "histories.csv")[1]
    assert (born["birth"], born["death"], born["lived_s"]) == ("born", "end", "2")
    assert [row["count"] for row in rows(folder, "counts.csv")] == ["1", "1"]
    about = json.loads((folder / FOLDER / "tracking.json").read_text(encoding="utf-8"))
    (found,) = about["classes"]
    assert found["hop_rate"]["value"] == 1
    assert found["residence_s"]["value"] == 2
    assert about["notes"] == []
    with Image.open(folder / FOLDER / "counts.png") as picture:
        assert picture.width > 600


def test_tracks_are_read_back_for_the_results_they_belong_to(folder: Path) -> None:
    fingerprint = read_summary(folder)["fingerprint"]
    assert read_track_points(folder, fingerprint) == SPOTS
    assert read_track_points(folder, "another") == []
    assert read_track_points(folder.parent, fingerprint) == []
    (folder / FOLDER / "tracks.csv").write_text("track,frame\n1,x\n")
    with pytest.raises(ReadError, match=r"tracks.csv: is damaged"):
        read_track_points(folder, fingerprint)


def test_tracks_as_napari_takes_them() -> None:
    data, features = track_array(SPOTS)
    assert data.tolist() == [[1, 0, 40, 50], [1, 1, 41, 64], [2, 1, 60, 60]]
    assert features["class"] == ["=Vac"] * 3
    assert track_array([])[0].shape == (0, 4)
