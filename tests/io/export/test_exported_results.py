"""Result folders are read frame by frame; what cannot be read is one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from export_samples import masks, write_sample

import napari_stem_defects as sd
from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.export.exported_results import (
    ExportedImage,
    read_results_to_export,
)
from napari_stem_defects.io.results.survey_folder import write_survey


def test_frames_have_their_regions_and_masks(series: Path) -> None:
    (image,), faults = read_results_to_export([series])
    assert not faults
    assert (image.name, image.file_name, image.frame_count) == ("series", "series.ome.tif", 3)
    assert image.frame_indices == (0, 1, 2)
    for index, frame in enumerate(image.frames()):
        assert frame.index == index
        assert {region.frame for region in frame.regions} == {index}
        found = np.stack([frame.masks[name] for name in image.mask_names])
        np.testing.assert_array_equal(found, masks(index))
        assert set(np.unique(frame.numbered("Vac"))) == {0, 1, 2}
        assert not frame.numbered(UNKNOWN).any()


def test_folders_in_folders_are_found_once(tmp_path: Path) -> None:
    first = write_sample(tmp_path / "a")
    write_sample(tmp_path / "b", "other")
    found, faults = read_results_to_export([tmp_path, first, tmp_path / "none"])
    assert sorted(each.name for each in found) == ["lamella", "other"]
    (fault,) = faults
    assert fault.startswith("none: there is no such folder; ")


def test_no_result_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no result"):
        read_results_to_export([tmp_path])
    with pytest.raises(InputError, match="no folder given"):
        read_results_to_export([])


def test_a_survey_is_refused_by_name(tmp_path: Path) -> None:
    micrograph = sd.simulate(size=128, seed=1).micrograph
    folder = write_survey(tmp_path, micrograph, [sd.survey(micrograph)])
    with pytest.raises(InputError, match=r"is a survey, which names no defects; its places"):
        read_results_to_export([folder])


@pytest.mark.parametrize("part", ["image", "planes", "frames", "model"])
def test_a_damaged_summary_is_one_line(part: str, result: Path) -> None:
    path = result / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    summary[part] = 7
    path.write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(InputError, match=r"summary.json: is damaged \(.*; run the detection again"):
        read_results_to_export([result])


def test_damaged_masks_are_one_line(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    (result / "masks.ome.tif").write_bytes(b"II*\0")
    with pytest.raises(ReadError, match=r"masks.ome.tif: is damaged"):
        list(image.frames())


def test_the_image_is_found_beside_the_result_too(tmp_path: Path) -> None:
    result = write_sample(tmp_path)
    (image,), _ = read_results_to_export([result])
    (tmp_path / "lamella.ome.tif").rename(result.parent / "lamella.ome.tif")
    assert image.read_image(sd.read, None).name == "lamella"


@pytest.mark.parametrize("given", [None, "folder", "image"])
def test_an_image_may_be_a_zarr_folder(tmp_path: Path, given: str | None) -> None:
    pytest.importorskip("zarr", reason="zarr is not installed")
    from zarr_samples import write_ome_zarr

    result = write_sample(tmp_path)
    there = {None: result.parent, "folder": tmp_path / "b", "image": tmp_path / "c"}[given]
    path = there / "lamella.ome.zarr"
    write_ome_zarr(path, sd.read(tmp_path / "lamella.ome.tif").pixels, "yx")
    (image,), _ = read_results_to_export([result])
    about = {**image.summary["image"], "path": f"C:\\lost\\{path.name}"}
    about["sha256"] = sd.read(path).sha256
    moved = ExportedImage(image.folder, {**image.summary, "image": about})
    where = {None: None, "folder": there, "image": path}[given]
    assert moved.read_image(sd.read, where).path == path


def test_another_image_is_refused(tmp_path: Path) -> None:
    result = write_sample(tmp_path)
    write_sample(tmp_path / "b", "another_one")
    (image,), _ = read_results_to_export([result])
    with pytest.raises(InputError, match="is not the image of the result lamella; give"):
        image.read_image(sd.read, tmp_path / "b" / "another_one.ome.tif")


def test_a_contradicted_line_has_the_pixels_of_its_band(result: Path) -> None:
    """Its class is unknown; its pixels lie in the mask ``unknown``, among others."""
    from dataclasses import replace

    (image,), _ = read_results_to_export([result])
    (frame,) = image.frames()
    moved = frame.masks | {"SF1": 0 * frame.masks["SF1"], UNKNOWN: frame.masks["SF1"].copy()}
    moved[UNKNOWN][:, 120:] = 1
    regions = tuple(
        replace(each, class_name=UNKNOWN) if each.class_name == "SF1" else each
        for each in frame.regions
    )
    changed = replace(frame, regions=regions, masks=moved)
    (found,) = changed.outlines(lambda region: region.class_name == UNKNOWN)
    ((polygon,),) = (found[1],)
    assert set(polygon.shell[:, 1].tolist()) == {57, 64}


def test_of_several_signals_the_one_that_was_searched_is_read(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    asked: list[str] = []

    def read_signal(path: Path, signal: str) -> sd.Micrograph:
        asked.append(signal)
        return sd.read(path)

    about = {**image.summary["image"], "signal": "HAADF"}
    chosen = ExportedImage(image.folder, {**image.summary, "image": about})
    assert chosen.read_image(read_signal, None).name == "lamella"
    assert asked == ["HAADF"]
