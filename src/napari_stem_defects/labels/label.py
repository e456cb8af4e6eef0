"""Labels, classes and labelled frames of a label project.

A label marks the position of a defect in px of its parent image; a weak label marks a patch that
contains the defect. Patches are cut around labels at training time, so that one click yields
many samples and splits can separate sites. Pixel ``i`` is centred on coordinate ``i``, as in
napari: a patch of 64 px whose first row is 10 has its centre at 41.5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from napari_stem_defects.base import defect_classes
from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
    DefectClass,
    Kind,
    check_class_name,
    check_colour,
    check_kind,
    check_title,
)
from napari_stem_defects.errors import LabelError

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import PixelSizeSource


KEYS = range(1, 10)
"""Number keys that can select a class."""

LabelSource = Literal["hand", "suggested", "simulated", "imported"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled point.

    Attributes
    ----------
    id : str
        Universally unique; a label that is removed and restored keeps its id.
    image : str
        SHA-256 of the parent micrograph.
    frame : int
        Frame of the parent, 0 for a single image.
    y, x : float
        Position in px of the parent.
    class_name : str
        One of the classes of the project.
    size_px : int
        Edge in px of the window that has this class.
    author, at : str
        Who changed the label last, and when (UTC, ISO 8601).
    source : {"hand", "suggested", "simulated", "imported"}
        How the label was made.
    weak : bool
        True if the defect may lie anywhere in the window, as in an imported patch, and not near
        its centre, as at a click.
    """

    id: str
    image: str
    frame: int
    y: float
    x: float
    class_name: str
    size_px: int = PATCH_PX
    author: str = ""
    at: str = ""
    source: LabelSource = "hand"
    weak: bool = False

    def __post_init__(self) -> None:
        """Refuse invalid values, whether typed, imported or read from disk."""
        if not self.id or not (math.isfinite(self.y) and math.isfinite(self.x)):
            raise LabelError(f"label {self.id!r}: position {self.y}, {self.x} is not finite")
        if self.frame < 0 or self.size_px < 1:
            raise LabelError(f"label {self.id!r}: frame must be at least 0 and size at least 1")
        if self.source not in get_args(LabelSource):
            raise LabelError(f"label {self.id!r}: source {self.source!r} is unknown")
        check_sha256(self.image)
        check_class_name(self.class_name)


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of a project.

    Attributes
    ----------
    name : str
        Its name; see `check_class_name`.
    colour : str
        ``#rrggbb``.
    key : int or None
        Number key (1-9) that selects the class.
    kind : {"bulk", "point", "line", "area"}
        See `DefectClass`.
    title : str
        Descriptive title for legends; by default the name.
    """

    name: str
    colour: str
    key: int | None = None
    kind: Kind = "point"
    title: str = ""

    def __post_init__(self) -> None:
        """Fill in the title; refuse invalid names, colours, kinds, titles and keys."""
        check_class_name(self.name)
        check_colour(self.name, self.colour)
        check_kind(self.name, self.kind)
        if not self.title:
            object.__setattr__(self, "title", self.name)
        check_title(self.name, self.title)
        if self.key is not None and self.key not in KEYS:
            raise LabelError(f"class {self.name}: key {self.key} must be 1 to 9, or none")

    @property
    def defect_class(self) -> DefectClass:
        """Name, kind, title and colour without the key, for data sets and models."""
        return DefectClass(self.name, self.kind, self.title, self.colour)


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One frame whose pixels are stored in a project.

    Attributes
    ----------
    sha256 : str
        SHA-256 of the micrograph; its labels refer to it.
    frame : int
        Index in the stack, 0 for a single image.
    name : str
        Name of the micrograph.
    height, width : int
        Size in px.
    checksum : str
        SHA-256 of the stored pixel file.
    stack : bool
        Whether the micrograph is a stack.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    pixel_size_source : {"file", "user", "lattice", "simulation", "unknown"}
        Origin of ``pixel_size_nm``.
    path : str or None
        The original file, relative to the project if possible; for information only.
    """

    sha256: str
    frame: int
    name: str
    height: int
    width: int
    checksum: str
    stack: bool = False
    pixel_size_nm: float | None = None
    pixel_size_source: PixelSizeSource = "unknown"
    path: str | None = None

    def __post_init__(self) -> None:
        """Refuse invalid hashes and sizes: the hashes become file names."""
        check_sha256(self.sha256)
        check_sha256(self.checksum)
        if self.frame < 0 or self.height < 1 or self.width < 1:
            raise LabelError(f"{self.name}: frame {self.frame} has no pixels")
        if self.pixel_size_nm is not None and not 0 < self.pixel_size_nm < math.inf:
            raise LabelError(f"{self.name}: pixel size {self.pixel_size_nm} nm is not positive")

    @property
    def is_patch(self) -> bool:
        """Whether this is a patch without a parent micrograph (at most 64 px wide and high)."""
        return max(self.height, self.width) <= PATCH_PX

    def contains(self, y: float, x: float) -> bool:
        """Return whether a point lies on a pixel of the frame.

        Parameters
        ----------
        y, x : float
            Position in px.

        Returns
        -------
        bool
            True between the outer edges of the first and the last pixel.
        """
        return is_on_pixel(y, x, (self.height, self.width))


class NewLabel(NamedTuple):
    """Position and class of a label that is to be added.

    Attributes
    ----------
    image : str
        SHA-256 of the micrograph.
    y, x : float
        Position in px.
    class_name : str
        Class of the label.
    frame : int
        Frame of the micrograph, 0 for a single image.
    """

    image: str
    y: float
    x: float
    class_name: str
    frame: int = 0


def default_class(name: str, key: int | None = None) -> LabelClass:
    """Return a class of the default kind, title and colour of its name.

    Parameters
    ----------
    name : str
        Name of the class.
    key : int, optional
        Number key (1-9).

    Returns
    -------
    LabelClass
        The class.

    Raises
    ------
    LabelError
        The name cannot be part of a file name.
    """
    found = defect_classes.default_class(name)
    return LabelClass(name, found.colour, key, found.kind, found.title)


def check_sha256(text: str) -> str:
    """Check a hash that becomes part of a file name.

    Parameters
    ----------
    text : str
        SHA-256 as 64 hexadecimal digits.

    Returns
    -------
    str
        ``text``.

    Raises
    ------
    LabelError
        The text is not a SHA-256.
    """
    if not _SHA256.fullmatch(text):
        raise LabelError(f"image {text[:80]!r} is not a SHA-256; give the hash of a micrograph")
    return text


def is_on_pixel(y: float, x: float, shape: tuple[int, int]) -> bool:
    """Return whether a point lies on a pixel of an image.

    Parameters
    ----------
    y, x : float
        Position in px.
    shape : (int, int)
        Height and width of the image in px.

    Returns
    -------
    bool
        True between the outer edges of the first and the last pixel.
    """
    return -0.5 <= y < shape[0] - 0.5 and -0.5 <= x < shape[1] - 0.5
