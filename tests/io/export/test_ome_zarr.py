"""OME-Zarr images and labels, read back with zarr."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from export_samples import NM, masks
from skimage.measure import regionprops

import napari_stem_defects as sd
from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.export import ome_zarr, pyramid

zarr = pytest.importorskip("zarr")


def test_image_and_labels_lie_on_each_other_in_nm(result: Path, tmp_path: Path) -> None:
    (path,) = sd.export(result, "ome-zarr", tmp_path / "out").files
    group = zarr.open_group(path, mode="r")
    image = sd.read(tmp_path / "lamella.ome.tif")
    np.testing.assert_array_equal(group["0"][:], image.pixels)
    assert group["labels"].attrs["labels"] == ["Vac", "SF1", "Ppt", "unknown"]
    for each in (group, group["labels/Vac"]):
        (scales,) = each.attrs["multiscales"]
        assert scales["version"] == "0.4"
        assert [axis["name"] for axis in scales["axes"]] == ["y", "x"]
        assert {axis["unit"] for axis in scales["axes"]} == {"nanometer"}
        (transformation,) = scales["datasets"][0]["coordinateTransformations"]
        assert transformation == {"type": "scale", "scale": [NM, NM]}
    for name, mask in zip(("Vac", "SF1", "Ppt", "unknown"), masks(), strict=True):
        np.testing.assert_array_equal(group[f"labels/{name}/0"][:] > 0, mask)


def test_labels_are_the_regions_of_the_table(result: Path, tmp_path: Path) -> None:
    group = zarr.open_group(sd.export(result, "ome-zarr", tmp_path / "out").files[0], mode="r")
    vacancies = group["labels/Vac"]
    about = vacancies.attrs["image-label"]
    assert about["colors"][0] == {"label-value": 1, "rgba": [0xD5, 0x5E, 0x00, 255]}
    described = {each["label-value"]: each for each in about["properties"]}
    found = regionprops(vacancies["0"][:])
    assert len(found) == len(described) == 2
    for region in found:
        row = described[region.label]
        np.testing.assert_allclose(region.centroid, (row["y_px"], row["x_px"]), atol=0.5)
    assert described[1]["sublattice"] == "A"


def test_numbers_go_on_from_frame_to_frame(series: Path, tmp_path: Path) -> None:
    group = zarr.open_group(sd.export(series, "ome-zarr", tmp_path / "out").files[0], mode="r")
    labels = group["labels/Vac/0"][:]
    assert labels.shape == (3, 90, 140)
    assert [np.unique(frame[frame > 0]).tolist() for frame in labels] == [[1, 2], [3, 4], [5, 6]]
    described = group["labels/Vac"].attrs["image-label"]["properties"]
    assert [(each["frame"], each["region"]) for each in described] == [
        *((0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2))
    ]
    assert [axis["name"] for axis in group.attrs["multiscales"][0]["axes"]] == ["t", "y", "x"]


def test_a_second_export_replaces_the_first_and_nothing_else(result: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        (path,) = sd.export(result, "ome-zarr", out).files
        assert [each.name for each in out.iterdir()] == ["lamella.ome.zarr"]
    foreign = tmp_path / "mine" / path.name
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("keep")
    with pytest.raises(sd.InputError, match="is no OME-Zarr folder; choose another"):
        sd.export(result, "ome-zarr", foreign.parent)
    assert (foreign / "thesis.txt").read_text() == "keep"


def test_a_missing_or_different_image_is_one_line(result: Path, tmp_path: Path) -> None:
    image = tmp_path / "lamella.ome.tif"
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    image.rename(moved / image.name)
    with pytest.raises(sd.InputError, match=r"lamella: its image lamella.ome.tif is not found"):
        sd.export(result, "ome-zarr", tmp_path / "out")
    assert sd.export(result, "ome-zarr", tmp_path / "out", images=moved).files
    (moved / image.name).write_bytes(b"II*\0")
    with pytest.raises(sd.InputError):
        sd.export(result, "ome-zarr", tmp_path / "out", images=moved / image.name)


def test_large_images_and_labels_are_pyramids(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyramid, "SMALLEST_PX", 40)
    group = zarr.open_group(sd.export(series, "ome-zarr", tmp_path / "out").files[0], mode="r")
    for each in (group, group["labels/Vac"], group["labels/unknown"]):
        (scales,) = each.attrs["multiscales"]
        shapes = [each[level["path"]].shape for level in scales["datasets"]]
        assert shapes == [(3, 90, 140), (3, 45, 70), (3, 23, 35)]
        for number, level in enumerate(scales["datasets"]):
            scale, *moved = level["coordinateTransformations"]
            assert scale == {"type": "scale", "scale": [1, NM * 2**number, NM * 2**number]}
            # The first pixel of a level covers several: its centre is not that of their first.
            offset = NM * (2**number - 1) / 2
            assert [each["translation"] for each in moved] == [[0, offset, offset]] * (number > 0)
    image, labels = group["0"][:], group["labels/Vac"]
    np.testing.assert_allclose(group["1"][1, 3, 5], image[1, 6:8, 10:12].mean(), rtol=1e-6)
    for level in ("0", "1", "2"):
        assert [set(np.unique(frame)) for frame in labels[level][:]] == [
            *({0, 1, 2}, {0, 3, 4}, {0, 5, 6})
        ]


def test_small_images_have_one_level(result: Path, tmp_path: Path) -> None:
    group = zarr.open_group(sd.export(result, "ome-zarr", tmp_path / "out").files[0], mode="r")
    assert len(group.attrs["multiscales"][0]["datasets"]) == 1


@pytest.mark.parametrize("kind", ["result", "series"])
def test_other_readers_take_the_folder_as_it_is(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they are installed: ome-zarr-models checks all metadata, ome-zarr reads the levels."""
    of_image, of_labels = (
        pytest.importorskip(f"ome_zarr_models.v04.{name}") for name in ("image", "image_label")
    )
    reader, location = (pytest.importorskip(f"ome_zarr.{name}") for name in ("reader", "io"))
    monkeypatch.setattr(pyramid, "SMALLEST_PX", 40)
    (path,) = sd.export(request.getfixturevalue(kind), "ome-zarr", tmp_path / "out").files
    group = zarr.open_group(path, mode="r")
    of_image.ImageAttrs.model_validate(dict(group.attrs))
    of_labels.ImageLabelAttrs.model_validate(dict(group["labels/Vac"].attrs))
    image, *labels = reader.Reader(location.parse_url(str(path)))()
    for node in (image, *labels[1:]):
        assert [level.shape[-2:] for level in node.data] == [(90, 140), (45, 70), (23, 35)]
    np.testing.assert_array_equal(image.data[0], group["0"][:])
    assert len(labels) == 5, "the list of labels, and each of them"


def test_a_file_that_a_thread_writes_after_a_failure_is_removed_too(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[threading.Thread] = []

    def failing(zarr: object, path: Path, *_: object) -> None:
        def write() -> None:
            time.sleep(0.1)
            path.mkdir(exist_ok=True)
            (path / ".zgroup").write_text("{}")

        path.mkdir()
        late.append(threading.Thread(target=write))
        late[0].start()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ome_zarr, "_write_image", failing)
    with pytest.raises(OutputError):
        sd.export(result, "ome-zarr", tmp_path / "out")
    late[0].join()
    assert list((tmp_path / "out").iterdir()) == []
