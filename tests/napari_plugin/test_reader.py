"""Opening microscope files, label projects and patch folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.plugins._npe2 import get_readers
from npe2 import PluginManager
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.reader import get_reader, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "path", ["", "a.tif", "no/such/folder", "a.dm4.txt", ["a.dm4", "b.tif"], "\0", []]
)
def test_what_is_not_ours(path: str | list[str]) -> None:
    assert get_reader(path) is None


@pytest.mark.parametrize("path", ["a.dm3", "A.DM4", "a.emd", "a.ser", ["a.mrc", "b.hspy"]])
def test_what_is_ours(path: str | list[str]) -> None:
    assert get_reader(path) is read


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.dm4"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError) as caught:
        read(str(path))
    assert str(caught.value).count("\n") == 0
    assert "bad.dm4" in str(caught.value)


def test_real_dm4_is_calibrated(data_dir: Path) -> None:
    path = next((data_dir / "wse2").glob("*.dm4"))
    ((pixels, keywords, kind),) = read(str(path))
    layer = Image(pixels, **keywords)
    assert kind == "image"
    assert layer.name == path.stem
    assert convert.pixel_size_nm(layer) == pytest.approx(0.0399, rel=0.01)


def test_label_project(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((100, 120), np.float32)
    with LabelProject.create(tmp_path / "project") as project:
        image = project.add_image(Micrograph(pixels, "CdTe", 0.03, sha256="ab" * 32))
        project.add(image, 10, 20, "SF1")
    assert get_reader(str(tmp_path / "project")) is read
    made = opened(tmp_path / "project")
    assert [layer.name for layer in made] == ["CdTe", "labels - CdTe"]
    assert all(convert.pixel_size_nm(layer) == 0.03 for layer in made)
    assert made[1].features["class"].tolist() == ["SF1"] * 3  # box, centre and casing


def test_patch_folder(tmp_path: Path) -> None:
    for name in ("SF1_0", "SF1_1", "Bulk_0"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((64, 64), np.uint8))
    assert get_reader(str(tmp_path)) is read
    patches, classes = opened(tmp_path)
    assert patches.data.shape == (3, 64, 64)
    assert sorted(classes.features["class"]) == ["Bulk", "SF1", "SF1"]


def test_an_image_of_hyperspy_may_be_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    from zarr_samples import write_zspy

    pixels = np.random.default_rng(0).random((100, 120), np.float32)
    path = write_zspy(tmp_path / "a.zspy", pixels, title="HAADF")
    assert get_reader(str(path)) is read
    (layer,) = opened(path)
    assert layer.data.shape == (100, 120)
    assert convert.pixel_size_nm(layer) == pytest.approx(0.02)
    (tmp_path / "b.zspy").mkdir()
    assert get_reader(str(tmp_path / "b.zspy")) is None


def test_results(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "data" / "a.tif"), tmp_path / "out")
    for path in (folder, folder / "summary.json", folder.parent):
        assert get_reader(str(path)) is read
        assert [layer.name for layer in opened(path)][:2] == ["a", "SF1 - a"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "summary.json").write_text('{"result": "other"}')
    assert get_reader(str(other)) is None
    assert get_reader(str(other / "summary.json")) is None


def test_surveys(tmp_path: Path) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "data" / "a.npy"), tmp_path / "out")
    for path in (folder, folder / "summary.json", folder.parent):
        assert get_reader(str(path)) is read
        names = [layer.name for layer in opened(path)]
        assert names == ["a", "anomaly - a", "unusual places - a"]


def test_an_unfinished_result_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out" / ".partial" / "ab").mkdir(parents=True)
    assert get_reader(str(tmp_path / "out")) is read
    with pytest.raises(InputError, match="unfinished") as caught:
        read(str(tmp_path / "out"))
    assert "\n" not in str(caught.value)


def opened(path: Path) -> list[Layer]:
    viewer = ViewerModel()
    for data, keywords, kind in read(str(path)):
        getattr(viewer, f"add_{kind}")(data, **keywords)
    return list(viewer.layers)


def test_each_image_of_a_file_is_a_layer_and_the_default_is_seen(tmp_path: Path) -> None:
    pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
    from microscope_samples import signal_dict, write_hspy

    image = np.random.default_rng(0).integers(0, 255, (70, 80), dtype=np.uint8)
    survey = signal_dict(image[:40, :50], scale=2.0, title="survey")
    path = write_hspy(tmp_path / "a.hspy", signal_dict(image, title="ABF"), survey)
    hidden, seen = opened(path)
    assert (hidden.name, hidden.visible) == ("survey - a", False)
    assert (seen.name, seen.visible) == ("a", True)
    assert seen.data.shape == (70, 80)
    assert convert.pixel_size_nm(hidden) == pytest.approx(2.0)
    given = convert.frame_input(hidden, 0).micrograph()
    assert given.signal == "survey"
    assert given.sha256 != convert.frame_input(seen, 0).sha256


def test_napari_offers_this_reader_for_hdf5(tmp_path: Path) -> None:
    """Its own names these files, too, but finds no loader for them."""
    pytest.importorskip("h5py")
    from nsid_samples import IMAGE_DIMENSIONS, write_nsid
    from reader_contract import IMAGE

    PluginManager.instance().discover()
    for suffix in (".h5", ".hdf5"):
        viewer = ViewerModel()
        path = write_nsid(tmp_path / f"a{suffix}", IMAGE.T, IMAGE_DIMENSIONS)
        assert "napari-stem-defects" in get_readers(str(path))
        viewer.open(path, plugin="napari-stem-defects")
        (layer,) = viewer.layers
        np.testing.assert_array_equal(layer.data, IMAGE)
        assert tuple(layer.scale) == pytest.approx((0.02, 0.02))
