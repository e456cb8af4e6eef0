from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.labels.label import NewLabel
from napari_stem_defects.networks.spec import EnsembleSpec

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "ab" * 32


def noise(seed: int, shape: tuple[int, int] = (300, 300)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.float32)


def write_project(
    path: Path,
    points: list[tuple[float, float, str]],
    *,
    weak: list[tuple[float, float, str]] = (),
    pixel_size_nm: float | None = 0.03,
    pixels: np.ndarray | None = None,
    sha256: str = SHA256,
) -> Path:
    """Make a project of one image with labels at spots, and weak ones."""
    image = Micrograph(
        noise(0) if pixels is None else pixels, path.name, pixel_size_nm, "user", sha256=sha256
    )
    with LabelProject.create(path) as project:
        project.add_image(image)
        for at, is_weak in ((points, False), (weak, True)):
            project.add_many([NewLabel(sha256, *each) for each in at], weak=is_weak)
    return path


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    folder = tmp_path / "patches"
    folder.mkdir()
    for number, name in enumerate(("SF1_0", "SF1_1", "Bulk_0")):
        tifffile.imwrite(folder / f"{name}.tif", noise(number, (64, 64)).astype(np.uint8))
    return folder


def test_a_patch_folder_is_whole_patches_with_names(patches: Path) -> None:
    data = read_training_data([patches])
    assert data.counts() == {"Bulk": 1, "SF1": 2}
    assert data.names == ("Bulk_0.tif", "SF1_0.tif", "SF1_1.tif")
    assert (data.extent_px == 0).all()


def test_clicks_of_a_project_are_spots_in_their_image(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", [(100, 150, "Mis"), (200, 50, "Bulk")])
    data = read_training_data([str(path)])
    clicked = np.array(data.labels) != ""
    assert (data.extent_px > 0).all()
    assert [(y, x) for y, x in zip(data.y[clicked], data.x[clicked], strict=True)] == [
        (100, 150),
        (200, 50),
    ]
    assert data.pixel_size_nm == 0.03
    assert data.names == ("p",)


def test_weak_labels_become_whole_patches_that_know_their_place(tmp_path: Path) -> None:
    corner = (40, 70)
    centre = (corner[0] + 31.5, corner[1] + 31.5)
    path = write_project(
        tmp_path / "p", [(200, 200, "Bulk")], weak=[(*centre, "SF1"), (2, 298, "SF1")]
    )
    data = read_training_data([path])
    weak = np.flatnonzero(data.extent_px == 0)
    assert [data.labels[site] for site in weak] == ["SF1", "SF1"]
    first, at_border = (data.images[data.image[site]] for site in weak)
    np.testing.assert_array_equal(first, noise(0)[40:104, 70:134])
    np.testing.assert_array_equal(at_border, noise(0)[:64, 236:])
    # In the same source image as the click, so that a grouped split sees the overlap.
    assert len(set(data.source)) == 1
    assert (data.source_y[weak[0]], data.source_x[weak[0]]) == (72, 102)
    targets = dict(zip(data.classes, data.targets[weak[0]], strict=True))
    assert targets == {"Bulk": 0, "SF1": 1}


def test_imported_crops_and_the_lone_rest_are_read_together(tmp_path: Path, patches: Path) -> None:
    path = write_project(tmp_path / "p", [], weak=[(100, 100, "SF1"), (110, 100, "SF1")])
    data = read_training_data([path, patches])
    assert data.counts() == {"Bulk": 1, "SF1": 4}
    assert len(set(data.source)) == 4  # the two crops share one


def test_the_smallest_pixel_size_is_used(tmp_path: Path) -> None:
    fine = write_project(tmp_path / "fine", [(10, 20, "Bulk")], pixel_size_nm=0.02)
    coarse = write_project(tmp_path / "coarse", [(10, 20, "SF1")], pixel_size_nm=0.04)
    data = read_training_data([fine, coarse])
    assert data.pixel_size_nm == 0.02
    assert [image.shape for image in data.images] == [(300, 300), (600, 600)]
    assert (data.y[-1], data.x[-1]) == (20.5, 40.5)


def clicked_lattice(spacing: float) -> list[tuple[float, float, str]]:
    """Return the columns of a lattice, one of them a defect."""
    at = [(20 + spacing * i, 20 + spacing * j) for i in range(9) for j in range(9)]
    return [(y, x, "odd column" if n == 40 else "Bulk") for n, (y, x) in enumerate(at)]


def test_images_with_a_label_on_every_column_are_upsampled(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", clicked_lattice(4.0))
    data = read_training_data([path])
    assert data.pixel_size_nm == pytest.approx(0.015)
    assert data.images[0].shape == (600, 600)
    site = data.labels.index("odd column")
    assert (data.y[site], data.x[site]) == (36 * 2 + 0.5, 36 * 2 + 0.5)
    assert "upsampled by a factor of 2 to 0.015 nm per px" in data.notes[0]
    model = EnsembleSpec("m", ("Bulk",), pixel_size_nm=0.03)
    assert read_training_data([path], scale_of=model).images[0].shape == (300, 300)


@pytest.mark.parametrize("why", ["far apart", "uncalibrated", "weak", "extended"])
def test_other_images_are_not_upsampled(tmp_path: Path, why: str) -> None:
    points = clicked_lattice(9.0 if why == "far apart" else 4.0)
    if why == "extended":
        points = [(y, x, "SF1" if x < 40 else "SF2") for y, x, _ in points]
    path = write_project(
        tmp_path / "p",
        points,
        weak=[(150, 150, "Bulk")] if why == "weak" else [],
        pixel_size_nm=None if why == "uncalibrated" else 0.03,
    )
    data = read_training_data([path])
    assert data.images[0].shape == (300, 300)
    assert data.notes == ()


def test_evaluation_uses_the_pixel_size_of_the_model(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", [(10, 20, "Bulk")], pixel_size_nm=0.02)
    data = read_training_data([path], scale_of=EnsembleSpec("m", ("Bulk",), pixel_size_nm=0.04))
    assert data.images[0].shape == (150, 150)
    assert (data.y[0], data.x[0]) == (4.75, 9.75)
    same = read_training_data([path], scale_of=EnsembleSpec("m", ("Bulk",)))
    assert same.images[0].shape == (300, 300)


def test_pixel_sizes_of_only_some_images_are_refused(tmp_path: Path) -> None:
    known = write_project(tmp_path / "known", [(10, 20, "Bulk")])
    unknown = write_project(tmp_path / "unknown", [(10, 20, "SF1")], pixel_size_nm=None)
    with pytest.raises(LabelError, match="unknown: no pixel size"):
        read_training_data([known, unknown])


def test_weak_labels_need_room_for_a_patch(tmp_path: Path) -> None:
    path = write_project(
        tmp_path / "p", [], weak=[(20, 100, "SF1")], pixels=noise(0, (40, 200)), pixel_size_nm=None
    )
    with pytest.raises(LabelError, match="40 x 200"):
        read_training_data([path])


@pytest.mark.parametrize("kind", ["image", "missing", "folder"])
def test_what_holds_no_labels_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lamella.tif"
    if kind == "image":
        tifffile.imwrite(path, noise(0))
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(LabelError) as caught:
        read_training_data([path])
    said = str(caught.value)
    assert said.startswith("lamella.tif: ")
    assert "\n" not in said


def test_an_empty_project_is_one_line(tmp_path: Path) -> None:
    with LabelProject.create(tmp_path / "p", ["Bulk"]):
        pass
    with pytest.raises(LabelError, match="nothing to train on"):
        read_training_data([tmp_path / "p"])


def test_one_invalid_patch_of_a_thousand_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "patches").mkdir()
    for number in range(1000):
        patch = noise(number, (64, 64))
        patch[10, 10] = np.nan if number == 617 else 0
        np.save(tmp_path / "patches" / f"{'SF1' if number % 2 else 'Bulk'}_{number}.npy", patch)
    data = read_training_data([tmp_path / "patches"])
    assert data.notes == (
        "1 patch was left out because of invalid pixels (NaN, infinity): SF1_617.npy.",
    )
    assert len(data) == 999
    assert all(np.isfinite(image).all() for image in data.images)
    assert data.subset(data.y > 0).with_classes(["SF1"]).notes == data.notes


def test_invalid_patches_of_a_project_are_left_out_and_named(tmp_path: Path) -> None:
    pixels = noise(0, (64, 64))
    invalid = np.zeros(pixels.shape, bool)
    invalid[3, 4] = True
    with LabelProject.create(tmp_path / "p") as project:
        for number, mask in enumerate((None, invalid)):
            image = Micrograph(pixels + number, f"patch{number}", sha256=f"{number:064}")
            image = replace(image, invalid=mask)
            project.add(project.add_image(image), 31.5, 31.5, "SF1")
    data = read_training_data([tmp_path / "p"])
    assert data.names == ("patch0",)
    assert "(NaN, infinity): patch1." in data.notes[0]


def test_only_invalid_patches_are_nothing_to_train_on(tmp_path: Path) -> None:
    invalid = np.eye(64, dtype=bool)
    with LabelProject.create(tmp_path / "p") as project:
        image = Micrograph(noise(0, (64, 64)), "patch", invalid=invalid, sha256=SHA256)
        project.add(project.add_image(image), 31.5, 31.5, "SF1")
    with pytest.raises(LabelError, match="nothing to train on"):
        read_training_data([tmp_path / "p"])


def add_kind(path: Path, name: str, kind: str) -> None:
    with LabelProject.open(path) as project:
        project.set_class(name, kind=kind)  # type: ignore[arg-type]


def test_kinds_come_from_the_project_and_shape_the_sites(tmp_path: Path) -> None:
    points = [(150, 150, "SF"), (40, 40, "Bulk")]
    path = write_project(tmp_path / "p", points)
    as_point = read_training_data([path])
    add_kind(path, "SF", "line")
    as_line = read_training_data([path])
    assert (as_point.kind_of("SF"), as_line.kind_of("SF")) == ("point", "line")
    # Only a point defect gets sites beside it.
    assert "" in as_point.labels
    assert "" not in as_line.labels
    assert read_training_data([path], kinds={"SF": "area"}).kind_of("SF") == "area"


def test_projects_that_disagree_about_a_kind_are_refused(tmp_path: Path) -> None:
    points = [(150, 150, "SF"), (40, 40, "Bulk")]
    paths = [
        write_project(tmp_path / name, points, sha256=sha * 32)
        for name, sha in (("one", "ab"), ("two", "cd"))
    ]
    add_kind(paths[0], "SF", "line")
    with pytest.raises(LabelError, match="class SF: its kind is line in one source"):
        read_training_data(paths)
    assert read_training_data(paths, kinds={"SF": "line"}).kind_of("SF") == "line"


def test_a_project_decides_about_the_kind_of_patches_of_its_class(
    tmp_path: Path, patches: Path
) -> None:
    path = write_project(tmp_path / "p", [(150, 150, "SF1"), (40, 40, "Bulk")])
    add_kind(path, "SF1", "area")
    assert read_training_data([path, patches]).kind_of("SF1") == "area"
    assert read_training_data([patches]).kind_of("SF1") == "line"


def test_a_kind_of_a_class_without_labels_is_refused(patches: Path) -> None:
    with pytest.raises(LabelError, match="kind of SF9: no label has this class; there are: Bulk"):
        read_training_data([patches], kinds={"SF9": "line"})
