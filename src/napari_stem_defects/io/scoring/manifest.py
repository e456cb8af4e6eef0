"""The manifest of a comparison with ground truth: which images, which files, what is labelled.

A JSON file. No image or label is in it: each file has a source, a checksum and a licence, and users
fetch it themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.scoring.image_score import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_stem_defects.scoring.image_score import Kind

SCHEMA = 1
"""Version of the manifest's layout."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = ("point", "line", "area")
_ADVICE = "see docs/benchmark.md for the layout of a manifest"


@dataclass(frozen=True)
class ListedFile:
    """A file that users fetch themselves.

    Attributes
    ----------
    path : str
        Where it is, relative to the folder of the data.
    url : str
        Where it comes from.
    sha256 : str
        Its checksum.
    """

    path: str
    url: str
    sha256: str


@dataclass(frozen=True)
class ListedClass:
    """A class of defects.

    Attributes
    ----------
    kind : {"point", "line", "area"}
    also_named : tuple of str
        Other names of programs for it.
    known : bool
        Whether programs under test know the class; False for a class that was withheld.
    """

    kind: Kind
    also_named: tuple[str, ...]
    known: bool


@dataclass(frozen=True)
class ListedImage:
    """An image and its ground truth.

    Attributes
    ----------
    name : str
        As predictions name it.
    group : str
        Images of one group are not independent, such as those of one specimen; a training must
        have all of them or none.
    known : bool
        Whether programs under test know the classes of this image.
    licence : str
        Of its files.
    shape : (int, int)
        Height and width in px.
    pixel_size_nm : float
        Edge of a pixel in nm.
    tolerance_nm : float
        Largest distance of a prediction from its defect.
    classes : tuple of str
        The classes that are labelled completely.
    labelled_part : (float, float, float, float) or None
        Top, left, bottom, right in px; None for the whole image.
    image : ListedFile
        The image file.
    points, lines : ListedFile or None
        Table of points, and GeoJSON of lines.
    y_column, x_column : str
        Columns of the table with the position in px, the centre of the first pixel at 0.
    class_column : str or None
        Column of the table with the class; None if all rows are of the one class of points.
    masks : mapping of str to ListedFile
        Mask of each class.
    """

    name: str
    group: str
    known: bool
    licence: str
    shape: tuple[int, int]
    pixel_size_nm: float
    tolerance_nm: float
    classes: tuple[str, ...]
    labelled_part: tuple[float, float, float, float] | None
    image: ListedFile
    points: ListedFile | None
    lines: ListedFile | None
    y_column: str
    x_column: str
    class_column: str | None
    masks: Mapping[str, ListedFile]

    def files(self) -> Iterator[ListedFile]:
        """Yield the image and the files of its ground truth.

        Yields
        ------
        ListedFile
        """
        yield self.image
        yield from (each for each in (self.points, self.lines) if each is not None)
        yield from self.masks.values()


@dataclass(frozen=True)
class Manifest:
    """What is compared.

    Attributes
    ----------
    name : str
    classes : mapping of str to ListedClass
    images : tuple of ListedImage
    """

    name: str
    classes: Mapping[str, ListedClass]
    images: tuple[ListedImage, ...]

    def own_name(self, stated: str) -> str:
        """Return the manifest's name of a class that a program stated.

        Parameters
        ----------
        stated : str

        Returns
        -------
        str
            ``stated`` itself where no class is also named so.
        """
        names = (name for name, each in self.classes.items() if stated in each.also_named)
        return next(names, stated)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check it completely.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        The file is missing, no manifest of this version, or contradicts itself; one line.
    """
    if not path.is_file():
        raise InputError(missing_file(path, "there is no such manifest"))
    try:
        stored = read_json(path)
    except InputError:
        raise InputError(one_line(path, "is no JSON object", _ADVICE)) from None
    if stored.get("schema") != SCHEMA:
        fault = f"has schema {stored.get('schema')!r}, not {SCHEMA}"
        raise InputError(one_line(path, fault, _ADVICE))
    try:
        return _manifest(stored)
    except KeyError as error:
        raise InputError(one_line(path, f"lacks {error.args[0]!r}", _ADVICE)) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(one_line(path, str(error), _ADVICE)) from None


def _manifest(stored: Mapping[str, Any]) -> Manifest:
    classes = {str(name): _class(str(name), each) for name, each in stored["classes"].items()}
    names = [name for each in classes.values() for name in each.also_named] + list(classes)
    twice = {name for name in names if names.count(name) > 1} | ({UNKNOWN} & set(names))
    if twice:
        raise ValueError(f"the name {min(twice)!r} belongs to more than one class, or is {UNKNOWN}")
    images = tuple(_image(each, classes) for each in stored["images"])
    if not classes or not images:
        raise ValueError("lists no class or no image")
    if len({each.name for each in images}) < len(images):
        raise ValueError("two images have one name")
    return Manifest(str(stored["name"]), classes, images)


def _class(name: str, stored: Mapping[str, Any]) -> ListedClass:
    kind = stored["kind"]
    if kind not in _KINDS:
        raise ValueError(f"class {name!r} has kind {kind!r}; kinds are {', '.join(_KINDS)}")
    also = tuple(map(str, stored.get("also_named", ())))
    return ListedClass(kind, also, _flag(stored.get("known", True), f"known of {name!r}"))


def _image(stored: Mapping[str, Any], known_classes: Mapping[str, ListedClass]) -> ListedImage:
    name = str(stored["name"])
    classes = tuple(map(str, stored.get("classes", known_classes)))
    masks = {str(key): _file(each, name) for key, each in stored.get("masks", {}).items()}
    strange = sorted({*classes, *masks} - set(known_classes))
    if strange:
        raise ValueError(f"image {name!r} names the class {strange[0]!r}, which is not listed")
    part = stored.get("labelled_part")
    image = ListedImage(
        name=name,
        group=str(stored.get("group", name)),
        known=_flag(stored.get("known", True), f"known of {name!r}"),
        licence=str(stored["licence"]),
        shape=(int(_above_0(stored, "height_px", name)), int(_above_0(stored, "width_px", name))),
        pixel_size_nm=_above_0(stored, "pixel_size_nm", name),
        tolerance_nm=_above_0(stored, "tolerance_nm", name),
        classes=classes,
        labelled_part=None if part is None else _four(part, name),
        image=_file(stored["image"], name),
        points=_file(stored["points"], name) if "points" in stored else None,
        lines=_file(stored["lines"], name) if "lines" in stored else None,
        y_column=str(stored.get("y_column", "y_px")),
        x_column=str(stored.get("x_column", "x_px")),
        class_column=_class_column(stored, classes, known_classes),
        masks=masks,
    )
    _check_kinds(image, known_classes)
    return image


def _class_column(
    stored: Mapping[str, Any], classes: tuple[str, ...], known_classes: Mapping[str, ListedClass]
) -> str | None:
    """Return the column of the class; null is refused where the rows may be of several classes."""
    column = stored.get("class_column", "class")
    points = [each for each in classes if known_classes[each].kind == "point"]
    if column is None and len(points) != 1:
        raise ValueError(
            f"class_column of {stored['name']!r} is null, but {len(points)} classes are points"
        )
    return None if column is None else str(column)


def _check_kinds(image: ListedImage, classes: Mapping[str, ListedClass]) -> None:
    """Refuse a class without a file of its kind: all its predictions would count as false."""
    for each in image.classes:
        has = {
            "point": image.points is not None,
            "line": image.lines is not None,
            "area": each in image.masks,
        }
        if not has[classes[each].kind]:
            raise ValueError(f"image {image.name!r} has no file with the {each!r} it lists")


def _file(stored: Mapping[str, Any], image: str) -> ListedFile:
    path, sha256 = str(stored["path"]), str(stored["sha256"])
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"a checksum of {image!r} is not 64 digits 0-9 a-f")
    if path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path) or ":" in path:
        raise ValueError(f"a path of {image!r} leads out of the data folder: {path!r}")
    return ListedFile(path, str(stored["url"]), sha256)


def _above_0(stored: Mapping[str, Any], key: str, image: str) -> float:
    value = stored[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"{key} of {image!r} is {value!r}, not a number above 0")
    return float(value)


def _four(part: Any, image: str) -> tuple[float, float, float, float]:
    top, left, bottom, right = map(float, part)
    if not (top < bottom and left < right):
        raise ValueError(f"labelled_part of {image!r} is not top, left, bottom, right")
    return top, left, bottom, right


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {value!r}, not true or false")
    return value
