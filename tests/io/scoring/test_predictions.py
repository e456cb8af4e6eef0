"""Predictions of any program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scored_images import SHAPE, write_manifest, write_table

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.scoring.manifest import read_manifest
from napari_stem_defects.io.scoring.predictions import Predictions


def test_a_table_has_the_points_of_each_image(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    table = tmp_path / "p.csv"
    table.write_text("image,class,y_px,x_px,score\na,vacancy,1,2,0.5\na,Vac,3,4,\n", "utf-8")
    found = Predictions(table, manifest)
    first, second = (found.of(image) for image in manifest.images)
    assert first.names == ("Vac", "Vac")  # also named so
    np.testing.assert_array_equal(first.points, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(first.scores, [0.5, np.nan])
    assert (second.names, second.points.shape, second.masks) == ((), (0, 2), None)


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    text = "Image;Class;Y_px;X_px;Score\na; Vac;1,5;2;0,5\n"
    (tmp_path / "p.csv").write_text(text, "utf-8-sig")
    found = Predictions(tmp_path / "p.csv", manifest).of(manifest.images[0])
    assert (found.names, found.points.tolist(), list(found.scores)) == (("Vac",), [[1.5, 2]], [0.5])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("image,class,y_px\n", "has no column 'x_px'"),
        ("image,class,y_px,x_px\nc,Vac,1,2\n", "row 2 names the image 'c', which is not listed"),
        ("image,class,y_px,x_px\na,Vac,1,two\n", "row 2 holds a text"),
        ("image,class,y_px,x_px,score\na,Vac,1,2,high\n", "row 2 holds a text"),
        ("image,class,y_px,x_px\na,Vac,1,nan\n", "not finite"),
        ("image,class,y_px,x_px,score\na,Vac,1,2,7\n", "score outside 0 to 1"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, text: str, fault: str) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    (tmp_path / "p.csv").write_text(text, "utf-8")
    with pytest.raises(InputError, match=fault) as caught:
        Predictions(tmp_path / "p.csv", manifest)
    assert "\n" not in str(caught.value)


def test_regions_of_masks_are_points_and_lines_stay_masks(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    mask = np.zeros(SHAPE, np.uint8)
    mask[9:12, 9:12] = mask[20:23, 30:33] = 1
    folder = tmp_path / "masks" / "a"
    folder.mkdir(parents=True)
    Image.fromarray(mask).save(folder / "Vac.png")
    Image.fromarray(mask).save(folder / "SF.png")
    found = Predictions(tmp_path / "masks", manifest)
    first, second = (found.of(image) for image in manifest.images)
    assert second is None
    assert first.names == ("Vac", "Vac")
    np.testing.assert_allclose(first.points, [[10, 10], [21, 31]])
    np.testing.assert_array_equal(first.masks["SF"], mask > 0)


def test_no_predictions_are_one_line(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    with pytest.raises(InputError, match="there are no predictions"):
        Predictions(tmp_path / "none.csv", manifest)
    assert write_table(tmp_path / "none.csv", []).is_file()
    assert Predictions(tmp_path / "none.csv", manifest).of(manifest.images[0]).names == ()
