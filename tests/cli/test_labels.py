"""The command ``labels``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line

from napari_stem_defects.cli.main import build_parser, main
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    pass


def test_labels_go_in_and_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patches = tmp_path / "patches"
    patches.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Bulk_1", "SF1_1"):
        tifffile.imwrite(patches / f"{name}.tif", rng.integers(0, 255, (64, 64), np.uint8))
    project = str(tmp_path / "crystal.labels")
    assert main(["labels", "import", project, str(patches)]) == 0
    assert main(["labels", "verify", project]) == 0
    assert main(["labels", "export", project, "--out", str(tmp_path / "again")]) == 0
    assert len(list((tmp_path / "again").rglob("*.tif"))) == 2
    shutil.rmtree(project)
    capsys.readouterr()
    assert main(["labels", "verify", project]) == 2
    one_line(capsys.readouterr().err)


def test_images_named_one_by_one_are_all_taken(tmp_path: Path) -> None:
    words = ["labels", "import", "p", "d", "--image", "a.tif", "--image", "b.tif", "c.tif"]
    assert [path.name for path in build_parser().parse_args(words).image] == [
        *("a.tif", "b.tif", "c.tif")
    ]


def test_kinds_are_set_by_the_table_and_by_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, points = tmp_path / "a.tif", tmp_path / "points.csv"
    tifffile.imwrite(image, np.random.default_rng(0).random((90, 90)).astype(np.float32))
    points.write_text("y_px,x_px,class,kind\n10,20,SF,line\n30,40,Vac,\n", encoding="utf-8")
    project = str(tmp_path / "own.labels")
    words = ["labels", "import", project, str(points), "--image", str(image)]
    assert main([*words, "--kind", "Vac=area"]) == 0
    with LabelProject.open(project, read_only=True) as opened:
        assert {each.name: each.kind for each in opened.classes} == {"SF": "line", "Vac": "area"}
    capsys.readouterr()
    assert main([*words, "--kind", "Vak=area"]) == 2
    assert "kind of Vak: no such class; there are: SF, Vac" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("SF=plane", "kind 'plane' must be point, line or area"),
        ("SF", "CLASS=KIND"),
        ("=line", "CLASS=KIND"),
        ("SF=line,SF=area", "SF is given 2 times"),
        ("Bulk=line", "its kind is bulk"),
    ],
)
def test_a_bad_kind_is_one_line(given: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["labels", "import", "p", "d", "--kind", given])
    assert caught.value.code == 2
    assert fault in capsys.readouterr().err
