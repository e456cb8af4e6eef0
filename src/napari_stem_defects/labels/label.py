"""What a label is: a point in an image with a class, its author, time and source.

A label says "the defect is here", in px of the parent image; a weak one, "hereabouts". Patches
are cut around labels at training time, so that one click yields many honest samples and splits
can keep sites apart.
Pixel ``i`` is centred on coordinate ``i``, as in napari: a patch of 64 px whose first row is 10
has its centre at 41.5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from napari_stem_defects.base.defect_classes import PATCH_PX, check_class_name, colour_of
from napari_stem_defects.errors import LabelError

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import PixelSizeSource


KEYS = range(1, 10)
"""Number keys that may select a class."""

LabelSource = Literal["hand", "suggested", "simulated", "imported"]

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled point.

    Attributes
    ----------
    id : str
        Unique for ever, so that projects merge and an undone label returns as itself.
    image : str
        sha256 of the parent micrograph.
    frame : int
        Frame of the parent, 0 for a single image.
    y, x : float
        Position in px of the parent.
    class_name : str
        One of the project's classes.
    size_px : int
        Edge of the window that the label speaks for.
    author, at : str
        Who set the label last, and when (UTC, ISO 8601).
    source : {"hand", "suggested", "simulated", "imported"}
        How it came to be.
    weak : bool
        Whether the defect is just somewhere in the window, as in an imported patch, and not
        necessarily near its centre, as at a click.
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
        """Refuse what no project may hold, be it typed, imported or read from disk."""
        if not self.id or not (math.isfinite(self.y) and math.isfinite(self.x)):
            raise LabelError(f"label {self.id!r}: position {self.y}, {self.x} is not a place")
        if self.frame < 0 or self.size_px < 1:
            raise LabelError(f"label {self.id!r}: frame and size must not be negative or zero")
        if self.source not in get_args(LabelSource):
            raise LabelError(f"label {self.id!r}: source {self.source!r} is not a known one")
        check_sha256(self.image)
        check_class_name(self.class_name)


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of a project: its name, its colour ``#rrggbb``, its number key (1-9) or None."""

    name: str
    colour: str
    key: int | None = None

    def __post_init__(self) -> None:
        """Refuse names, colours and keys that windows and files cannot carry."""
        check_class_name(self.name)
        if not _COLOUR.fullmatch(self.colour):
            raise LabelError(f"class {self.name}: colour {self.colour!r} must look like #e69f00")
        if self.key is not None and self.key not in KEYS:
            raise LabelError(f"class {self.name}: key {self.key} must be 1 to 9, or none")


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One frame that a project keeps the pixels of.

    Attributes
    ----------
    sha256 : str
        The micrograph's hash, which its labels name.
    frame : int
        Index in the micrograph's stack, 0 for a single image.
    name : str
        The micrograph's name.
    height, width : int
        Size in px.
    checksum : str
        sha256 of the stored pixel file.
    stack : bool
        Whether the micrograph is a stack.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    pixel_size_source : str
        Where that came from.
    path : str or None
        The original file, relative to the project where possible; only a reference.
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
        """Refuse what cannot name a file or hold a point."""
        check_sha256(self.sha256)
        check_sha256(self.checksum)
        if self.frame < 0 or self.height < 1 or self.width < 1:
            raise LabelError(f"{self.name}: frame {self.frame} has no pixels")
        if self.pixel_size_nm is not None and not 0 < self.pixel_size_nm < math.inf:
            raise LabelError(f"{self.name}: pixel size {self.pixel_size_nm} nm is not a length")

    @property
    def is_lone_patch(self) -> bool:
        """Whether this is a patch without parent: its label says what it shows, not where."""
        return max(self.height, self.width) <= PATCH_PX

    def contains(self, y: float, x: float) -> bool:
        """Say whether a point lies on a pixel of the frame."""
        return -0.5 <= y < self.height - 0.5 and -0.5 <= x < self.width - 0.5


class Point(NamedTuple):
    """A label to be: where it is, in px of its image, and what."""

    image: str
    y: float
    x: float
    class_name: str
    frame: int = 0


def default_class(name: str, key: int | None = None) -> LabelClass:
    """Return a class in the colour it has everywhere."""
    return LabelClass(check_class_name(name), colour_of(name), key)


def check_sha256(text: str) -> str:
    """Return the hash, or raise `LabelError`: it becomes a file name."""
    if not _SHA256.fullmatch(text):
        raise LabelError(f"image {text[:80]!r} is not a sha256; give the hash of a micrograph")
    return text
