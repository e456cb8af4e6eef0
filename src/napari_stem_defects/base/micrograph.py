"""Micrograph: pixels, pixel size and provenance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_VIEW = "reporting.notebook.micrograph_view"

PixelSizeSource = Literal["file", "user", "lattice", "simulation", "unknown"]


@dataclass(frozen=True, eq=False)
class Micrograph:
    """One image or a stack of frames, the input of all analysis functions.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X) or (T, Y, X)
        Intensities in the units of the file; finite everywhere. A script may give numbers of any
        type, and pixels without a value: each function converts them as `read` does. Of a large
        stack in a batch, an array whose frames are read when they are indexed; `numpy.asarray`
        reads all.
    name : str
        Stem of the file name; results are named after it.
    pixel_size_nm : float or None
        Edge of one square pixel in nm; None if unknown.
    pixel_size_source : {"file", "user", "lattice", "simulation", "unknown"}
        Origin of ``pixel_size_nm``.
    invalid : ndarray of bool, same shape as ``pixels``, or None
        Pixels that were NaN or infinite in the file, or lie under a mark burned into the image;
        they were replaced by the median of the frame.
    path : Path or None
        The file; None if the image was not read from a file.
    sha256 : str
        SHA-256 of the bytes of the file, or of the pixels if there is no file; of the file and the
        number of the signal where another signal than the default was chosen.
    metadata : mapping
        Metadata of the file (instrument, voltage, tags); JSON-safe values only.
    notes : tuple of str
        Conversions applied while reading, one sentence each.
    signal : str
        Name of the signal in a file that holds several; else empty.

    Examples
    --------
    >>> import numpy as np
    >>> stack = sd.Micrograph(np.zeros((5, 64, 96), np.float32), "series")
    >>> stack.frame_count, stack.frame_shape
    (5, (64, 96))
    >>> stack.with_pixel_size(0.02, "user").frame(0).pixel_size_nm
    0.02
    """

    pixels: NDArray[Any]
    name: str
    pixel_size_nm: float | None = None
    pixel_size_source: PixelSizeSource = "unknown"
    invalid: NDArray[np.bool_] | None = None
    path: Path | None = None
    sha256: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    signal: str = ""

    def __post_init__(self) -> None:
        """Refuse what no image can be; `InputError` states what to give."""
        if not hasattr(self.pixels, "ndim"):
            object.__setattr__(self, "pixels", np.asarray(self.pixels))
        if self.pixels.ndim not in (2, 3):
            raise InputError(
                f"{self.name}: an array of {self.pixels.ndim} axes; give (y, x) or (frame, y, x)"
            )
        if self.pixel_size_nm is not None:
            object.__setattr__(self, "pixel_size_nm", _length(self.name, self.pixel_size_nm))

    def __repr__(self) -> str:
        frames = f"{self.frame_count} frames of " if self.is_stack else ""
        size = list_in_both_units(self.frame_shape[::-1], self.pixel_size_nm)
        scale = "no pixel size" if self.pixel_size_nm is None else f"{self.pixel_size_nm:.4g} nm/px"
        return f"Micrograph({self.name!r}, {frames}{size}, {scale}, {self.pixel_size_source})"

    def _repr_html_(self) -> str:
        return str(function_of(_VIEW, "html")(self))

    @property
    def is_stack(self) -> bool:
        """Whether there is a leading frame axis."""
        return self.pixels.ndim == 3

    @property
    def frame_count(self) -> int:
        """Number of frames; 1 for a single image."""
        return self.pixels.shape[0] if self.is_stack else 1

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of one frame in px."""
        height, width = self.pixels.shape[-2:]
        return height, width

    @property
    def valid_nm2(self) -> float | None:
        """Area of the pixels with a value in all frames, nm²; None without a pixel size."""
        if self.pixel_size_nm is None:
            return None
        missing = sum(
            int(np.count_nonzero(each)) for each in (() if self.invalid is None else self.invalid)
        )
        return (self.pixels.size - missing) * self.pixel_size_nm**2

    def frame(self, index: int) -> Micrograph:
        """Return one frame as a micrograph (a view, not a copy).

        Parameters
        ----------
        index : int
            Number of the frame, from 0.

        Returns
        -------
        Micrograph
            A single image; the micrograph itself if it is not a stack.

        Raises
        ------
        InputError
            If there is no such frame.
        """
        if not 0 <= index < self.frame_count:
            raise InputError(
                f"{self.name}: there is no frame {index}; choose one from 0 to"
                f" {self.frame_count - 1}"
            )
        if not self.is_stack:
            return self
        invalid = None if self.invalid is None else self.invalid[index]
        return replace(self, pixels=self.pixels[index], invalid=invalid)

    def with_pixel_size(self, nm: float, source: PixelSizeSource) -> Micrograph:
        """Return the same micrograph with another pixel size.

        Parameters
        ----------
        nm : float
            Edge of one square pixel in nm.
        source : {"file", "user", "lattice", "simulation", "unknown"}
            Origin of the pixel size.

        Returns
        -------
        Micrograph

        Raises
        ------
        InputError
            If ``nm`` is not a positive, finite length.
        """
        return replace(self, pixel_size_nm=_length(self.name, nm), pixel_size_source=source)

    def to_dataframe(self) -> Any:
        """Return the statistics of each frame as a table; needs pandas.

        Returns
        -------
        pandas.DataFrame
            A row per frame: minimum, median, mean, maximum, standard deviation, invalid pixels.
        """
        return function_of(_VIEW, "table")(self)

    def plot(self, frame: int = 0, axes: Axes | None = None) -> Axes:
        """Draw a frame with axes in nm, or in px without a pixel size.

        Parameters
        ----------
        frame : int, default: 0
            Number of the frame.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            If there is no such frame.
        """
        drawn: Axes = function_of(_VIEW, "plot")(self, frame, axes)
        return drawn


def check_micrograph(given: Any) -> Micrograph:
    """Return a micrograph that a script gives; `InputError` if it is anything else."""
    if not isinstance(given, Micrograph):
        raise InputError(
            f"{type(given).__name__} is no micrograph; sd.read(path) reads a file,"
            " sd.Micrograph(array, name, pixel_size_nm) takes an array"
        )
    return given


def _length(name: str, nm: float) -> float:
    """Return a pixel size; `InputError` if it is no positive, finite number."""
    try:
        length = float(nm)
    except (TypeError, ValueError):
        length = math.nan
    if not (math.isfinite(length) and length > 0) or isinstance(nm, str):
        raise InputError(f"{name}: pixel size {nm} nm is not a positive length")
    return length
