from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.cvat_images import read_cvat
from napari_stem_defects.io.labels.drawn_shapes import DrawnShape


def micrograph(name: str) -> Micrograph:
    return Micrograph(np.zeros((80, 120), np.float32), Path(name).stem, path=Path("/data") / name)


def shapes(folder: Path, drawn: str, *names: str) -> list[list[DrawnShape]]:
    path = folder / "annotations.xml"
    path.write_text(
        f"""<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta/>
        <image id="0" name="a.png" width="120" height="80">{drawn}</image>
        <image id="1" name="b.png" width="120" height="80">
        <points label="Vac" points="0.5,0.5"/></image></annotations>""",
        encoding="utf-8",
    )
    return [found for _, found in read_cvat(path, [micrograph(name) for name in names])]


def test_every_shape_is_read(tmp_path: Path) -> None:
    found, other = shapes(
        tmp_path,
        """<points label="Vac" points="10.50,20.50;11.50,20.50" z_order="0"></points>
        <polyline label="SF" points="0.5,0.5;9.5,4.5"/>
        <polygon label="Ppt" points="30,10;50,10;50,20"><attribute name="n">1</attribute></polygon>
        <box label="Ppt" xtl="30" ytl="10" xbr="50" ybr="20"/>
        <box label="Ppt" xtl="30" ytl="10" xbr="50" ybr="20" rotation="90"/>
        <ellipse label="Ppt" cx="40" cy="30" rx="6" ry="6"/>
        <mask label="Ppt" rle="1, 2, 1, 1, 2, 1" left="30" top="10" width="4" height="2"/>
        <tag label="good"/>""",
        "a.png",
        "b.png",
    )
    geometries = ["point", "line", "area", "area", "area", "area", "area"]
    assert [each.geometry for each in found] == geometries
    assert found[0].parts == [[(20, 10), (20, 11)]]
    assert found[1].parts == [[(0, 0), (4, 9)]]
    assert found[2].parts == [[(9.5, 29.5), (9.5, 49.5), (19.5, 49.5)]]
    assert set(found[3].parts[0]) == {(y, x) for y in (9.5, 19.5) for x in (29.5, 49.5)}
    turned = {(round(y, 6), round(x, 6)) for y, x in found[4].parts[0]}
    assert turned == {(y, x) for y in (4.5, 24.5) for x in (34.5, 44.5)}
    np.testing.assert_allclose(np.hypot(*(np.array(found[5].parts[0]) - (29.5, 39.5)).T), 6)
    rows, columns = np.array([point for ring in found[6].parts for point in ring]).T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9.5, 11.5, 29.5, 33.5)
    assert [each.parts for each in other] == [[[(0, 0)]]]


def test_images_that_are_not_given_are_left_out(tmp_path: Path) -> None:
    ((point,),) = shapes(tmp_path, '<points label="Vac" points="nonsense"/>', "b.png")
    assert point.parts == [[(0, 0)]]


@pytest.mark.parametrize(
    "broken",
    [
        '<points label="Vac" points="1"/>',
        '<points label="Vac" points="nan,1"/>',
        '<points label="" points="1,1"/>',
        '<box label="Vac" xtl="1" ytl="2"/>',
        '<mask label="Vac" rle="9,9" left="0" top="0" width="4" height="2"/>',
        '<mask label="Vac" rle="8" left="0" top="0" width="4" height="2"/>',
    ],
)
def test_a_damaged_shape_is_named(tmp_path: Path, broken: str) -> None:
    with pytest.raises(LabelError, match=r"annotations.xml: \w+ 2 of a.png is damaged"):
        shapes(tmp_path, '<points label="Vac" points="1,1"/>' + broken, "a.png")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "cannot be read"),
        ("<annotations>", "cannot be read"),
        ("<annotation><filename>a.png</filename></annotation>", "is no XML of CVAT"),
        ("<annotations><track/></annotations>", "is no XML of CVAT"),
        ('<annotations><image name="a.png"/></annotations>', "has no size"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "defines XML entities"),
    ],
)
def test_other_files_are_one_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=f"a.xml: .*{fault}") as caught:
        read_cvat(path, [micrograph("a.png")])
    assert "\n" not in str(caught.value)
