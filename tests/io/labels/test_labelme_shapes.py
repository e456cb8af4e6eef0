from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import DrawnShape, rows_of
from napari_stem_defects.io.labels.labelme_shapes import is_labelme, labelme_shapes

PATH = Path("a.json")


def picture() -> str:
    packed = io.BytesIO()
    Image.fromarray(np.ones((10, 20), bool)).save(packed, "PNG")
    return base64.b64encode(packed.getvalue()).decode()


PICTURE = picture()
MICROGRAPH = Micrograph(np.zeros((80, 120), np.float32), "a")


# Ends within the pixels.
TORN = base64.b64encode(base64.b64decode(PICTURE)[:-30]).decode()


def shapes(*drawn: dict[str, Any], **about: Any) -> list[DrawnShape]:
    content = {"version": "5.7.0", "imagePath": "a.png", "imageData": None}
    content |= {"imageHeight": 80, "imageWidth": 120, "shapes": list(drawn), **about}
    assert is_labelme(content)
    ((owner, found),) = labelme_shapes(PATH, content, [MICROGRAPH])
    assert owner is MICROGRAPH
    return found


def drawn(form: str | None, *points: tuple[float, float], **more: Any) -> dict[str, Any]:
    return {"label": "SF 1", "points": [list(each) for each in points], "shape_type": form, **more}


def test_every_form_is_read() -> None:
    found = shapes(
        drawn("point", (10.5, 20.5)),
        drawn("points", (10.5, 20.5), (11.5, 20.5)),
        drawn("line", (0.5, 0.5), (9.5, 0.5)),
        drawn("linestrip", (0.5, 0.5), (9.5, 0.5), (9.5, 4.5)),
        drawn("polygon", (30, 10), (50, 10), (50, 20)),
        drawn(None, (30, 10), (50, 10), (50, 20)),
        drawn("circle", (40, 30), (40, 36)),
        drawn("rectangle", (50, 20), (30, 10)),
    )
    geometries = ["point", "point", "line", "line", "area", "area", "area", "area"]
    assert [each.geometry for each in found] == geometries
    assert {each.class_name for each in found} == {"SF 1"}
    assert found[1].parts == [[(20, 10), (20, 11)]]
    assert found[3].parts == [[(0, 0), (0, 9), (4, 9)]]
    assert found[4].parts == found[5].parts == [[(9.5, 29.5), (9.5, 49.5), (19.5, 49.5)]]
    radii = np.hypot(*(np.array(found[6].parts[0]) - (29.5, 39.5)).T)
    np.testing.assert_allclose(radii, 6)
    assert set(found[7].parts[0]) == {(y, x) for y in (9.5, 19.5) for x in (29.5, 49.5)}


def test_a_mask_begins_at_the_pixel_of_its_first_corner() -> None:
    (area,) = shapes(drawn("mask", (30, 10), (49, 19), mask=PICTURE))
    assert set(area.parts[0]) == {(y, x) for y in (9.5, 19.5) for x in (29.5, 49.5)}


def test_an_outline_around_few_pixels_has_their_middle() -> None:
    # LabelMe's own mask of it takes the pixels on the far edges, too, and lies half a pixel off.
    found = shapes(drawn("polygon", (20, 10), (25, 10), (25, 15), (20, 15)))
    (row,) = rows_of(found, {"SF 1": "point"}, MICROGRAPH.frame_shape)
    assert (row.y, row.x) == (12, 22)


@pytest.mark.parametrize(
    "broken",
    [
        drawn("point"),
        drawn("point", (float("nan"), 3)),
        drawn("rectangle", (1, 2)),
        drawn("spiral", (1, 2)),
        drawn("mask", (1, 2), (3, 4), mask="cGxhaW4="),
        {"points": [[1, 2]], "shape_type": "point"},
        drawn("point", (1, 2)) | {"label": None},
        drawn("point", (1, 2e9)),
        drawn("mask", (1, 2), (3, 4), mask=TORN),
        3,
    ],
)
def test_a_damaged_shape_is_named(broken: Any) -> None:
    with pytest.raises(LabelError, match=r"a.json: shape 2: .*; correct or remove it"):
        shapes(drawn("point", (1, 2)), broken)


def test_labels_that_end_in_a_number_are_classes_of_their_own() -> None:
    names = ["Sigma 3", "Sigma 5", "SF_1", "SF_2", "7"]
    found = shapes(*(drawn("point", (1, 2)) | {"label": f" {name} "} for name in names))
    assert [each.class_name for each in found] == names


@pytest.mark.parametrize("value", [5, None, "text", {}])
def test_shapes_that_are_no_list_are_one_line(value: Any) -> None:
    with pytest.raises(LabelError, match=r"a.json: is damaged .*; save it again"):
        shapes(shapes=value)


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(LabelError, match=r"a.png has 120x81 px there"):
        shapes(imageHeight=81)


def test_a_file_goes_to_the_micrograph_of_its_name() -> None:
    content = {"imagePath": "..\\\\b.png", "shapes": [drawn("point", (1, 2))]}
    others = [Micrograph(MICROGRAPH.pixels, name, path=Path(f"{name}.dm4")) for name in "ab"]
    ((owner, _),) = labelme_shapes(PATH, content, others)
    assert owner.name == "b"
    with pytest.raises(LabelError, match="knows no image of the given names, but c"):
        labelme_shapes(PATH, content | {"imagePath": "c.png"}, others)
