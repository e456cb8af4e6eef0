"""Which of the given micrographs an annotation file means by the names of its images."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph


class NoOwnerError(LabelError):
    """None of the given micrographs has the name of an image of the file."""


def find_owners(
    path: Path,
    images: Sequence[dict[str, Any]],
    micrographs: Sequence[Micrograph],
    remarks: list[str] | None = None,
) -> dict[Any, int]:
    """Return the micrograph of each image of a file; some may have none.

    Parameters
    ----------
    path : Path
        The file, for messages.
    images : sequence of dict
        With ``id``, ``file_name``, ``height`` and ``width``, as in COCO; a size of None is not
        known.
    micrographs : sequence of Micrograph
        Found by their file names, without suffixes where no image has the same.
    remarks : list of str, optional
        Given where no other file is read: then a single micrograph is that of a file with one
        image, and a remark is added here if their names differ.

    Returns
    -------
    dict
        Place of the micrograph by the id of the image.

    Raises
    ------
    NoOwnerError
        No micrograph belongs to the file.
    LabelError
        A micrograph has another size, or several images of different folders have its name.
    """
    names = {_file_name(each) for each in images}
    owner: dict[Any, int] = {}
    for place, micrograph in enumerate(micrographs):
        own = micrograph.name if micrograph.path is None else micrograph.path.name
        # Pictures that were annotated are often copies of the microscope's files.
        same = own if own in names else PurePath(own).stem
        found = [each for each in images if same in (name := _file_name(each), PurePath(name).stem)]
        if not found and remarks is not None and len(micrographs) == len(names) == 1:
            remarks.append(f"{path.name} names the image {_file_name(images[0])}, taken for {own}")
            found = list(images)
        if len({str(each["file_name"]) for each in found}) > 1:
            fault = f"has several images named {_file_name(found[0])}"
            raise LabelError(one_line(path, fault, "export them one by one"))
        for each in found:
            _check_size(path, each, micrograph)
            owner[each["id"]] = place
    if not owner:
        fault = f"knows no image of the given names, but {', '.join(sorted(names)[:3])}"
        raise NoOwnerError(one_line(path, fault, "give or open one of these images"))
    return owner


def _check_size(path: Path, image: dict[str, Any], micrograph: Micrograph) -> None:
    size = (image.get("height"), image.get("width"))
    if size not in (micrograph.frame_shape, (None, None)):
        fault = f"{_file_name(image)} has {size[1]}x{size[0]} px there"
        height, width = micrograph.frame_shape
        advice = f"the image given has {width}x{height}; give that of the file"
        raise LabelError(one_line(path, fault, advice))


def _file_name(image: dict[str, Any]) -> str:
    return str(image["file_name"]).replace("\\", "/").rpartition("/")[2]
