from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels import cvat_images
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


def test_labels_that_end_in_a_number_are_classes_of_their_own(tmp_path: Path) -> None:
    names = ["Sigma 3", "Sigma 5", "SF_1"]
    drawn = "".join(f'<points label="{name}" points="1,1"/>' for name in names)
    (found,) = shapes(tmp_path, drawn, "a.png")
    assert [each.class_name for each in found] == names


def test_a_skeleton_is_its_visible_points(tmp_path: Path) -> None:
    joint = '<points label="{}" outside="{}" occluded="0" points="{}.5,2.5"></points>'
    joints = joint.format("head", 0, 4) + joint.format("tail", 1, 6) + joint.format("3", 0, 8)
    text = (
        f'<skeleton label="Core" z_order="0">{joints}<attribute name="n">1</attribute></skeleton>'
    )
    ((core,),) = shapes(tmp_path, text, "a.png")
    assert (core.class_name, core.geometry) == ("Core", "point")
    assert core.parts == [[(2, 4), (2, 8)]]
    with pytest.raises(LabelError, match=r"skeleton 1 of a.png is damaged"):
        shapes(tmp_path, f'<skeleton label="Core">{joint.format("a", 1, 4)}</skeleton>', "a.png")


@pytest.mark.parametrize("form", ["cuboid", "not_yet_known"])
def test_a_form_without_an_outline_is_named(tmp_path: Path, form: str) -> None:
    point = '<tag label="good"/><points label="Vac" points="1,1"/>'
    with pytest.raises(LabelError, match=rf"annotations.xml: {form} 2 of a.png has no outline; dr"):
        shapes(tmp_path, f'{point}<{form} label="Vac" xtl1="1"/>', "a.png")


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
        ('<annotations><image name="a" height="1" width="1"/><track/></annotations>', "is no XML"),
        ('<?xml version="1.0" encoding="no-such"?><annotations/>', "cannot be read"),
        ('<?xml version="1.0" encoding="utf-7"?><annotations/>', "cannot be read"),
    ],
)
def test_other_files_are_one_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=f"a.xml: .*{fault}") as caught:
        read_cvat(path, [micrograph("a.png")])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("subset", ["", '[<!ENTITY b "c">]', 'SYSTEM "other.dtd"'])
def test_a_doctype_is_refused_in_every_encoding(tmp_path: Path, encoding: str, subset: str) -> None:
    declared = "utf-16" if encoding.startswith("utf-16") else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><!DOCTYPE annotations {subset}>'
    text += '<annotations><image name="a.png" width="120" height="80"/></annotations>'
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(LabelError, match=r"a.xml: has a DOCTYPE, which may define XML entities"):
        read_cvat(path, [micrograph("a.png")])


def test_a_file_in_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    text = '<?xml version="1.0" encoding="utf-16"?><annotations><image name="a.png" width="120"'
    text += ' height="80"><points label="空孔" points="1.5,1.5"/></image></annotations>'
    path.write_text(text, encoding="utf-16")
    ((_, (point,)),) = read_cvat(path, [micrograph("a.png")])
    assert (point.class_name, point.parts) == ("空孔", [[(1, 1)]])


def test_a_file_that_is_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cvat_images, "_MOST_BYTES", 2**20)
    path = tmp_path / "a.xml"
    path.write_bytes(b" " * (2**20 + 1))
    with pytest.raises(LabelError, match=r"a.xml: is larger than 1 MiB; export fewer images"):
        read_cvat(path, [micrograph("a.png")])
