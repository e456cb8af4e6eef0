from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.image_owners import find_owners

PATH = Path("coco.json")


def image(name: str, **size: Any) -> dict[str, Any]:
    return {"id": name, "file_name": f"C:\\data/{name}", "height": 40, "width": 50} | size


def micrograph(name: str) -> Micrograph:
    return Micrograph(np.zeros((40, 50), np.float32), Path(name).stem, path=Path("/data") / name)


def test_images_are_found_by_file_name() -> None:
    images = [image("a.tif"), image("b.tif"), image("c.tif")]
    owners = find_owners(PATH, images, [micrograph("c.tif"), micrograph("a.tif")])
    assert owners == {"c.tif": 0, "a.tif": 1}


def test_copies_are_found_without_their_suffix() -> None:
    images = [image("a.png"), image("b.png"), image("b.jpg")]
    assert find_owners(PATH, images, [micrograph("a.dm4")]) == {"a.png": 0}
    assert find_owners(PATH, images, [micrograph("b.jpg")]) == {"b.jpg": 0}


def test_one_image_of_the_only_file_is_the_one_given_and_that_is_stated() -> None:
    remarks = list[str]()
    assert find_owners(PATH, [image("b.png")], [micrograph("a.dm4")], remarks) == {"b.png": 0}
    assert remarks == ["coco.json names the image b.png, taken for a.dm4"]
    assert find_owners(PATH, [image("a.png")], [micrograph("a.dm4")], remarks) == {"a.png": 0}
    assert len(remarks) == 1
    several = [image("b.png"), image("c.png")]
    for images, given in ((several, ["a.dm4"]), (several[:1], ["a.dm4", "d.dm4"])):
        with pytest.raises(LabelError, match=r"knows no image of the given names, but b.png"):
            find_owners(PATH, images, [micrograph(name) for name in given], remarks)


def test_beside_other_files_only_the_name_counts() -> None:
    with pytest.raises(LabelError, match=r"^coco.json: knows no image of the given names, but b"):
        find_owners(PATH, [image("b.png")], [micrograph("a.dm4")])


def test_images_of_one_name_in_several_folders_are_refused() -> None:
    images = [image("a.png"), image("a.png", id=2, file_name="other/a.png")]
    with pytest.raises(LabelError, match=r"^coco.json: has several images named a.png; export"):
        find_owners(PATH, images, [micrograph("a.dm4")])
    frames = [image("a.tif"), image("a.tif", id=2, frame=1)]
    assert find_owners(PATH, frames, [micrograph("a.tif")]) == {"a.tif": 0, 2: 0}


def test_an_image_may_have_no_size() -> None:
    unknown = image("a.png", height=None, width=None)
    assert find_owners(PATH, [unknown], [micrograph("a.dm4")]) == {"a.png": 0}


def test_other_names_and_sizes_are_refused() -> None:
    with pytest.raises(LabelError, match=r"coco.json: a.tif has 50x41 px there; the image given"):
        find_owners(PATH, [image("a.tif", height=41)], [micrograph("a.tif")])
    with pytest.raises(LabelError, match=r"knows no image of the given names, but a.tif, b.tif"):
        find_owners(PATH, [image("a.tif"), image("b.tif")], [micrograph("c.tif")])
