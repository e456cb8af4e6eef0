"""Patches and tables of points go into a project and come out as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from project_samples import CROPS, noise

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.errors import InputError, LabelError, OutputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.exchange import (
    export_patches,
    import_patches,
    labels_export,
    labels_import,
)
from napari_stem_defects.io.labels.import_summary import ImportSummary
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.labels.verify import labels_verify
from napari_stem_defects.labels.label import NewLabel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[LabelProject]:
    with LabelProject.create(tmp_path / "mine") as made:
        yield made


def test_patches_are_found_in_their_micrograph(
    project: LabelProject, patches: Path, image: Path
) -> None:
    micrograph = read(image)
    assert import_patches(project, read_patch_folder(patches), [micrograph]) == ImportSummary(
        placed=3, unplaced=1
    )
    found = {(e.class_name, e.y, e.x) for e in project.labels(micrograph.sha256)}
    assert found == {(name[:-2], y + 31.5, x + 31.5) for name, (y, x) in CROPS.items()}
    assert {(label.source, label.weak) for label in project.labels()} == {("imported", True)}
    (unplaced,) = (frame for frame in project.frames if frame.is_patch)
    (weak,) = project.labels(unplaced.sha256)
    assert (weak.class_name, weak.y, weak.x, unplaced.name) == ("Bulk", 31.5, 31.5, "Bulk_0")
    np.testing.assert_array_equal(project.pixels(unplaced.sha256), noise(9, (64, 64)))


def test_the_frame_of_a_stack_is_found_too(
    project: LabelProject, patches: Path, image: Path
) -> None:
    parent = read(image)
    stack = replace(parent, pixels=np.stack([noise(1), noise(0)]).astype(np.float32))
    import_patches(project, read_patch_folder(patches), [stack])
    assert [label.frame for label in project.labels(stack.sha256)] == [1, 1, 1]


def test_the_first_of_equal_matches_is_used(
    project: LabelProject, patches: Path, image: Path
) -> None:
    first = read(image)
    edited = noise(0)
    edited[90:, 100:] = 0
    second = Micrograph(edited.astype(np.float32), "edited", sha256="cd" * 32)
    import_patches(project, read_patch_folder(patches), [second, first])
    assert len(project.labels(second.sha256)) == 2
    assert len(project.labels(first.sha256)) == 1  # SF1_1 lies where the edit is


def test_importing_again_adds_nothing(project: LabelProject, patches: Path, image: Path) -> None:
    import_patches(project, read_patch_folder(patches), [read(image)])
    before = project.labels()
    assert import_patches(project, read_patch_folder(patches), [read(image)]) == ImportSummary(
        present=4
    )
    assert project.labels() == before


def test_an_import_is_undone_in_one_step(project: LabelProject, patches: Path) -> None:
    import_patches(project, read_patch_folder(patches))
    assert len(project.labels()) == 4
    project.undo()
    assert project.labels() == ()


def test_a_cancelled_import_leaves_nothing(project: LabelProject, patches: Path) -> None:
    def cancel(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_patches(project, read_patch_folder(patches), report=cancel)
    assert project.labels() == project.frames == ()


def test_an_image_smaller_than_the_patches_is_refused(project: LabelProject, patches: Path) -> None:
    small = Micrograph(np.zeros((50, 90), np.float32), "small", sha256="cd" * 32)
    with pytest.raises(LabelError, match="smaller than the patches"):
        import_patches(project, read_patch_folder(patches), [small])


def test_exported_patches_are_the_imported_ones(
    project: LabelProject, patches: Path, image: Path, tmp_path: Path
) -> None:
    import_patches(project, read_patch_folder(patches), [read(image)])
    assert export_patches(project, tmp_path / "out") == 4
    before, after = read_patch_folder(patches), read_patch_folder(tmp_path / "out")
    assert before.names == after.names
    np.testing.assert_array_equal(before.patches, after.patches)
    assert tifffile.imread(tmp_path / "out" / "LC_0.tif").dtype == np.uint8


@pytest.mark.parametrize(
    ("scale", "kind"), [(1, np.uint8), (200, np.uint16), (0.5, np.float32), (-1, np.float32)]
)
def test_export_keeps_intensities(
    project: LabelProject, tmp_path: Path, scale: float, kind: type
) -> None:
    pixels = noise(0).astype(np.float32) * np.float32(scale)
    image = project.add_image(Micrograph(pixels, "a", sha256="cd" * 32))
    project.add(image, 50, 60, "SF1")
    export_patches(project, tmp_path / "out")
    patch = tifffile.imread(tmp_path / "out" / "SF1_0.tif")
    assert patch.dtype == kind
    np.testing.assert_array_equal(patch, pixels[19:83, 29:93])


def test_export_at_an_edge_stays_inside(project: LabelProject, tmp_path: Path) -> None:
    pixels = noise(0).astype(np.float32)
    image = project.add_image(Micrograph(pixels, "a", sha256="cd" * 32))
    project.add_many([NewLabel(image, -0.5, -0.5, "SF1"), NewLabel(image, 99, 119, "SF1")])
    export_patches(project, tmp_path / "out")
    first, last = (tifffile.imread(tmp_path / "out" / f"SF1_{n}.tif") for n in (0, 1))
    np.testing.assert_array_equal(first, pixels[:64, :64])
    np.testing.assert_array_equal(last, pixels[-64:, -64:])


def test_export_refuses_what_it_cannot_do(project: LabelProject, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "SF1_0.tif").touch()
    with pytest.raises(OutputError, match="not empty"):
        export_patches(project, tmp_path / "used")
    small = Micrograph(np.zeros((50, 90), np.float32), "small", sha256="cd" * 32)
    project.add(project.add_image(small), 5, 5, "SF1")
    with pytest.raises(LabelError, match="holds no 64 x 64 patch"):
        export_patches(project, tmp_path / "out")


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "y_px,x_px,column\n10,20.5,Se2\n30,40,W\n",
        "image,class,y_px,x_px,region\na,Se2,10,20.5,1\na,W,30,40,2\n",
        "\ufeffframe,y_px,x_px,class\n0,10,20.5,Se2\n,30,40,W\n",
    ],
)
def test_points_are_imported(tmp_path: Path, image: Path, text: str) -> None:
    folder = tmp_path / "points.labels"
    assert labels_import(folder, [table(tmp_path, text)], [image]) == ImportSummary(placed=2)
    with LabelProject.open(folder, read_only=True) as project:
        labels = project.labels()
    found = [(label.y, label.x, label.class_name) for label in labels]
    assert found == [(10, 20.5, "Se2"), (30, 40, "W")]
    assert not any(label.weak for label in labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column y_px, x_px, class"),
        ("y,x,class\n1,2,W\n", "has no column y_px, x_px"),
        ("y_px,x_px,a,b\n1,2,W,W\n", "has no column class"),
        ("y_px,x_px,class\n1,2,W\n1,two,W\n", "line 3"),
        ("y_px,x_px,class\n1,2\n", "class name ''"),
        ("y_px,x_px,class\n1\n", "line 2"),
        ("y_px,x_px,class\n1,nan,W\n", "not finite"),
        ("y_px,x_px,class\n1,2000,W\n", "outside"),
        ('y_px,x_px,class\n1,2,"W\n', "cannot be read"),
        ("y_px,x_px,class\n1,2,\0\n", "class name"),
    ],
)
def test_an_invalid_table_is_refused_in_one_line(
    tmp_path: Path, image: Path, text: str, message: str
) -> None:
    folder = tmp_path / "points.labels"
    with pytest.raises(LabelError, match=message) as caught:
        labels_import(folder, [table(tmp_path, text)], [image])
    assert "\n" not in str(caught.value)
    assert not folder.exists()


def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path, image: Path) -> None:
    odd = tmp_path / "points.csv"
    odd.write_bytes(image.read_bytes())
    with pytest.raises(LabelError, match="cannot be read"):
        labels_import(tmp_path / "points.labels", [odd], [image])


def test_the_verbs_of_the_command_line(tmp_path: Path, patches: Path, image: Path) -> None:
    new = tmp_path / "new"
    seen: list[Progress] = []
    done = labels_import(new, [patches], [image], seen.append)
    assert done.text() == (
        "3 labels placed, 1 patches stored without a micrograph, 0 existing labels skipped"
    )
    assert [step.done for step in seen] == [1, 2, 3, 4]
    points = table(tmp_path, "y_px,x_px,class\n10,20,W\n")
    assert labels_import(new, [points, patches], [image]) == ImportSummary(placed=1, present=4)
    assert labels_export(new, tmp_path / "out") == 5
    assert labels_verify(new).problems == ()


def test_a_table_needs_exactly_one_image(tmp_path: Path) -> None:
    points = table(tmp_path, "y_px,x_px,class\n10,20,W\n")
    with pytest.raises(LabelError, match="needs one image"):
        labels_import(tmp_path / "new", [points])


def test_a_faulty_table_is_named_and_leaves_no_project(tmp_path: Path, image: Path) -> None:
    new = tmp_path / "new"
    for row, fault in (("1,nan,W", "line 2"), ("1,2,", "line 2"), ("x,2,W", "line 2")):
        points = table(tmp_path, f"y_px,x_px,class\n{row}\n")
        with pytest.raises(LabelError, match=fault) as caught:
            labels_import(new, [points], [image])
        assert points.name in str(caught.value)
        assert not new.exists()
    points = table(tmp_path, "y_px,x_px,class\n1,2000,W\n")
    with pytest.raises(LabelError, match="outside") as caught:
        labels_import(new, [points], [image])
    assert points.name in str(caught.value)


def test_a_project_in_use_is_reported(project: LabelProject, tmp_path: Path, image: Path) -> None:
    points = table(tmp_path, "y_px,x_px,class\n10,20,W\n")
    with pytest.raises(LabelError, match="has the project open"):
        labels_import(project.path, [points], [image])


@pytest.mark.parametrize("source", ["missing", "empty"])
def test_nothing_to_import_is_an_error(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        labels_import(tmp_path / "new", [tmp_path / source])


def test_an_import_names_the_patches_it_leaves_out(tmp_path: Path) -> None:
    for number in range(3):
        patch = np.random.default_rng(number).random((64, 64), np.float32)
        patch[0, 0] = np.nan if number == 1 else 0
        tifffile.imwrite(tmp_path / f"SF1_{number}.tif", patch)
    done = labels_import(tmp_path / "new.labels", [tmp_path])
    assert (done.unplaced, done.left_out) == (2, ("SF1_1.tif",))
    assert done.text().endswith("left out because of invalid pixels: SF1_1.tif")


def test_kinds_of_a_table_and_of_the_caller_reach_the_project(
    project: LabelProject, tmp_path: Path, image: Path
) -> None:
    points = table(tmp_path, "y_px,x_px,column,kind\n10,20,SF,line\n30,40,Vac,\n50,60,Ti,area\n")
    project.close()
    labels_import(project.path, [points], [image], kinds={"Ti": "point"})
    with LabelProject.open(project.path) as again:
        kinds = {entry.name: entry.kind for entry in again.classes}
    assert (kinds["SF"], kinds["Vac"], kinds["Ti"]) == ("line", "point", "point")
    # A second import adds no label and may change a kind.
    done = labels_import(project.path, [points], [image], kinds={"Vac": "area"})
    assert done.placed == 0
    with LabelProject.open(project.path) as again:
        assert {entry.name: entry.kind for entry in again.classes}["Vac"] == "area"


def test_kinds_of_unknown_classes_are_refused_before_anything_is_written(
    tmp_path: Path, image: Path
) -> None:
    points = table(tmp_path, "y_px,x_px,column\n10,20,SF\n")
    with pytest.raises(LabelError, match="kind of Sf: no such class; there are: SF"):
        labels_import(tmp_path / "new", [points], [image], kinds={"Sf": "line"})
    assert not (tmp_path / "new").exists()
    with pytest.raises(LabelError, match="kind 'plane' must be"):
        labels_import(tmp_path / "new", [points], [image], kinds={"SF": "plane"})  # type: ignore[dict-item]


def test_an_export_keeps_kinds_titles_and_colours(project: LabelProject, tmp_path: Path) -> None:
    image = project.add_image(Micrograph(noise(0).astype(np.float32), "a", sha256="cd" * 32))
    project.add_class("APB", kind="line", title="anti-phase boundary", colour="#010203")
    project.add(image, 50, 60, "APB")
    export_patches(project, tmp_path / "out")
    folder = read_patch_folder(tmp_path / "out")
    assert folder.class_data == (DefectClass("APB", "line", "anti-phase boundary", "#010203"),)
    with LabelProject.create(tmp_path / "second") as second:
        import_patches(second, folder)
        assert [entry.defect_class for entry in second.classes] == list(folder.class_data)
        assert second.undo()  # labels and classes in one step
        assert second.classes == ()


def test_a_rejected_import_leaves_no_project(tmp_path: Path, image: Path) -> None:
    table = tmp_path / "outside.csv"
    table.write_text("y_px,x_px,class\n9999,9999,Vac\n")
    with pytest.raises(LabelError):
        labels_import(tmp_path / "mine", [table], [image])
    assert not (tmp_path / "mine").exists()


def test_labels_outside_the_image_are_left_out_and_named(tmp_path: Path, image: Path) -> None:
    table = tmp_path / "points.csv"
    outside = "".join(f"{y},2000,W\n" for y in range(4))
    table.write_text(f"y_px,x_px,class,frame\n20,20,Vac,\n{outside}")
    expected = (
        "points.csv: 4 labels outside the image left out (W at y 0, x 2000, W at y 1, x 2000,"
        " W at y 2, x 2000, ...)"
    )
    assert labels_import(tmp_path / "mine", [table], [image]) == ImportSummary(
        placed=1, remarks=(expected,)
    )
    again = labels_import(tmp_path / "mine", [table], [image])
    assert again == ImportSummary(present=1, remarks=(expected,))
    assert labels_verify(tmp_path / "mine").problems == ()


def test_labels_of_missing_frames_are_left_out_and_named(tmp_path: Path, image: Path) -> None:
    parent = read(image)
    stack = replace(parent, pixels=np.stack([noise(1), noise(0)]).astype(np.float32))
    points = tmp_path / "points.csv"
    points.write_text("y_px,x_px,class,frame\n20,20,Vac,1\n20,20,Vac,2\n")
    (remark,) = labels_import(tmp_path / "mine", [points], [stack]).remarks
    assert remark.endswith("1 label outside the image left out (Vac at y 20, x 20 in frame 2)")


def test_a_rejected_import_leaves_an_earlier_project_alone(tmp_path: Path, image: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("y_px,x_px,class\n20,20,Vac\n")
    bad.write_text("y_px,x_px,class\n9999,9999,Vac\n")
    labels_import(tmp_path / "mine", [good], [image])
    with pytest.raises(LabelError):
        labels_import(tmp_path / "mine", [bad], [image])
    with LabelProject.open(tmp_path / "mine", read_only=True) as project:
        assert len(project.labels()) == 1
