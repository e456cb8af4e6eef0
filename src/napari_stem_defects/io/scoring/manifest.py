"""The manifest of a comparison with ground truth: which images, which files, what is labelled.

A JSON file. No image or label is in it: users fetch the files themselves, from the source and with
the checksum and licence that the manifest states. Of files of one's own these may be left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.scoring.image_score import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from napari_stem_defects.scoring.image_score import Kind

SCHEMA = 1
"""Version of the manifest's layout."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = ("point", "line", "area")
_ADVICE = "see docs/benchmark.md for the layout of a manifest"
_KEYS = {
    "manifest": {"schema", "name", "classes", "images"},
    "class": {"kind", "also_named", "known"},
    "file": {"path", "url", "sha256"},
    "image": {
        *("name", "group", "known", "licence", "height_px", "width_px", "pixel_size_nm"),
        *("tolerance_nm", "classes", "labelled_part", "image", "points", "lines", "masks"),
        *("y_column", "x_column", "class_column"),
    },
}
# Tolerances in px beyond these are of another unit: no prediction is as precise, or none is wrong.
_SMALLEST_TOLERANCE_PX = 0.1
_LARGEST_TOLERANCE = 0.25


@dataclass(frozen=True)
class ListedFile:
    """A file that users fetch themselves.

    Attributes
    ----------
    path : str
        Where it is, relative to the folder of the data.
    url : str
        Where it comes from; "" where that is not stated.
    sha256 : str
        Its checksum; "" if it is not compared.
    """

    path: str
    url: str = ""
    sha256: str = ""


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
        Of its files; "" where it is not stated.
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
        raise InputError(one_line(path, f"is no JSON object{_where(path)}", _ADVICE)) from None
    if stored.get("schema") != SCHEMA:
        fault = f"has schema {stored.get('schema')!r}, not {SCHEMA}"
        raise InputError(one_line(path, fault, _ADVICE))
    try:
        return _manifest(stored)
    except (TypeError, ValueError) as error:
        raise InputError(one_line(path, str(error), _ADVICE)) from None


def _where(path: Path) -> str:
    """Return where a file ceases to be JSON; "" if that is not known."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return f" (line {error.lineno}, column {error.colno}: {error.msg})"
    except (OSError, ValueError):
        return ""
    return ""


def _manifest(stored: Mapping[str, Any]) -> Manifest:
    _check_keys(stored, "manifest", "the manifest")
    _need(stored, ("name", "classes", "images"), "the manifest")
    listed = _object(stored["classes"], "classes", "a kind for each name")
    classes = {str(name): _class(str(name), each) for name, each in listed.items()}
    names = [name for each in classes.values() for name in each.also_named] + list(classes)
    twice = {name for name in names if names.count(name) > 1} | ({UNKNOWN} & set(names))
    if twice:
        raise ValueError(f"the name {min(twice)!r} belongs to more than one class, or is {UNKNOWN}")
    if not isinstance(stored["images"], list):
        raise ValueError("images is no list")
    images = tuple(
        _image(_object(each, f"image {number}", "its entries"), classes, f"image {number}")
        for number, each in enumerate(stored["images"], start=1)
    )
    if not classes or not images:
        raise ValueError("lists no class or no image")
    if len({each.name for each in images}) < len(images):
        raise ValueError("two images have one name")
    return Manifest(str(stored["name"]), classes, images)


def _object(value: Any, what: str, content: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object {{...}} with {content}")
    return value


def _need(stored: Mapping[str, Any], keys: Iterable[str], what: str) -> None:
    for key in keys:
        if key not in stored:
            raise ValueError(f"{what} lacks {key!r}")


def _check_keys(stored: Mapping[str, Any], kind: str, what: str) -> None:
    """Refuse what has no meaning: a misspelt entry would be left out without a word."""
    strange = sorted(set(stored) - _KEYS[kind])
    if strange:
        raise ValueError(f"{what} has {strange[0]!r}, which has no meaning")


def _class(name: str, value: Any) -> ListedClass:
    what = f"class {name!r}"
    stored = _object(value, what, "its kind")
    _check_keys(stored, "class", what)
    _need(stored, ("kind",), what)
    kind = stored["kind"]
    if kind not in _KINDS:
        raise ValueError(f"class {name!r} has kind {kind!r}; kinds are {', '.join(_KINDS)}")
    also = tuple(_texts(stored.get("also_named", []), f"also_named of {name!r}"))
    return ListedClass(kind, also, _flag(stored.get("known", True), f"known of {name!r}"))


def _image(
    stored: Mapping[str, Any], known_classes: Mapping[str, ListedClass], place: str
) -> ListedImage:
    _need(stored, ("name",), place)
    name = str(stored["name"])
    what = f"image {name!r}"
    _check_keys(stored, "image", what)
    needed = ("height_px", "width_px", "pixel_size_nm", "tolerance_nm", "image")
    _need(stored, needed, what)
    classes = tuple(_texts(stored.get("classes", list(known_classes)), f"classes of {name!r}"))
    masks = _object(stored.get("masks", {}), f"masks of {name!r}", "a file for each class")
    strange = sorted({*classes, *masks} - set(known_classes))
    if strange:
        raise ValueError(f"{what} names the class {strange[0]!r}, which is not listed")
    part = stored.get("labelled_part")
    image = ListedImage(
        name=name,
        group=str(stored.get("group", name)),
        known=_flag(stored.get("known", True), f"known of {name!r}"),
        licence=str(stored.get("licence", "")),
        shape=(int(_above_0(stored, "height_px", name)), int(_above_0(stored, "width_px", name))),
        pixel_size_nm=_above_0(stored, "pixel_size_nm", name),
        tolerance_nm=_above_0(stored, "tolerance_nm", name),
        classes=classes,
        labelled_part=None if part is None else _four(part, stored, name),
        image=_file(stored["image"], name),
        points=_file(stored["points"], name) if "points" in stored else None,
        lines=_file(stored["lines"], name) if "lines" in stored else None,
        y_column=str(stored.get("y_column", "y_px")),
        x_column=str(stored.get("x_column", "x_px")),
        class_column=_class_column(stored, classes, known_classes),
        masks={key: _file(each, name) for key, each in masks.items()},
    )
    _check_kinds(image, known_classes)
    _check_tolerance(image)
    return image


def _texts(value: Any, what: str) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is no list of names")
    return [str(each) for each in value]


def _check_tolerance(image: ListedImage) -> None:
    """Refuse lengths in two units, of which all or no predictions would be right."""
    size = image.tolerance_nm / image.pixel_size_nm
    if not _SMALLEST_TOLERANCE_PX <= size <= _LARGEST_TOLERANCE * min(image.shape):
        height, width = image.shape
        raise ValueError(
            f"the tolerance of {image.name!r} is {size:.3g} px of {height} x {width};"
            " are tolerance_nm and pixel_size_nm both in nm?"
        )


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


def _file(value: Any, image: str) -> ListedFile:
    """Return a file of an image: its path alone, or with its source and checksum."""
    what = f"a file of {image!r}"
    stored = {"path": value} if isinstance(value, str) else _object(value, what, "its path")
    _check_keys(stored, "file", what)
    _need(stored, ("path",), what)
    path, sha256 = str(stored["path"]), str(stored.get("sha256", ""))
    if sha256 and not _SHA256.fullmatch(sha256):
        raise ValueError(f"the checksum of {path!r} is not 64 digits 0-9 a-f; leave it out")
    if path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path) or ":" in path:
        raise ValueError(f"a path of {image!r} leads out of the data folder: {path!r}")
    return ListedFile(path, str(stored.get("url", "")), sha256)


def _above_0(stored: Mapping[str, Any], key: str, image: str) -> float:
    value = stored[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"{key} of {image!r} is {value!r}, not a number above 0")
    return float(value)


def _four(part: Any, stored: Mapping[str, Any], image: str) -> tuple[float, float, float, float]:
    what = f"labelled_part of {image!r} is not [top, left, bottom, right] in px of the image"
    try:
        top, left, bottom, right = map(float, part)
    except (TypeError, ValueError):
        raise ValueError(what) from None
    height, width = stored["height_px"], stored["width_px"]
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ValueError(what)
    return top, left, bottom, right


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {value!r}, not true or false")
    return value
