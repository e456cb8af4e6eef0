"""Results of detection in one frame: probability map, masks, regions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import (
    BULK,
    DefectClass,
    Kind,
    class_table,
    complete_classes,
)
from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.base.polyline import polyline_length
from napari_stem_defects.base.search_area import searched_px
from napari_stem_defects.postprocessing.searched_share import searched_share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.mask_stack import MaskStack

_VIEW = "reporting.notebook.detection_view"
_SAVE = "api.save"


@dataclass(frozen=True, eq=False)
class ProbabilityMap:
    """The probability of every class for every window of one frame.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        Calibrated probability of each class for each window, free of NaN; 0 in windows that are
        not valid.
    y, x : ndarray of float32, shapes (gy,) and (gx,)
        Window centres in px of the input image.
    classes : tuple of str
        Names of the C classes, Bulk included where the ensemble has that member.
    valid : ndarray of bool, shape (gy, gx)
        False for windows that are blank, or whose middle has more than 5 % invalid pixels; no
        class is assigned there.
    class_data : tuple of DefectClass
        Kind, title and colour of each class, in the order of ``classes``. Those that are not given
        get the defaults of their names.
    """

    probability: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]
    classes: tuple[str, ...]
    valid: NDArray[np.bool_]
    class_data: tuple[DefectClass, ...] = ()

    def __post_init__(self) -> None:
        """Complete the data of the classes."""
        object.__setattr__(self, "class_data", complete_classes(self.classes, self.class_data))

    def __repr__(self) -> str:
        rows, columns = self.valid.shape
        return f"ProbabilityMap({', '.join(self.classes)}; {rows} x {columns} windows)"

    @property
    def class_table(self) -> Mapping[str, DefectClass]:
        """Kind, title and colour of each class by its name, ``unknown`` included."""
        return class_table(self.class_data)

    def names_of(self, *kinds: Kind) -> tuple[str, ...]:
        """Return the names of the classes of some kinds, in their order.

        Parameters
        ----------
        *kinds : {"bulk", "point", "line", "area"}

        Returns
        -------
        tuple of str
        """
        return tuple(each.name for each in self.class_data if each.kind in kinds)

    @property
    def defect_classes(self) -> tuple[str, ...]:
        """The classes that get a mask: all but Bulk."""
        return tuple(name for name in self.classes if name != BULK)

    def centres_of(self, windows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the centres of some windows.

        Parameters
        ----------
        windows : ndarray of int, shape (N, 2)
            Row and column in the grid.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            y and x in px of the image.
        """
        return np.column_stack([self.y[windows[:, 0]], self.x[windows[:, 1]]]).astype(np.float64)


@dataclass(frozen=True)
class Region:
    """One measured defect: a connected component of the mask of its class.

    Attributes
    ----------
    image : str
        Name of the micrograph.
    frame : int
        Index of the frame in its stack.
    class_name : str
        Class of the defect.
    region : int
        Number within the class and frame, from 1.
    y_px, x_px : float
        Centroid in px of the image; the centre of the first pixel is 0.
    y_nm, x_nm : float or None
        Centroid in nm; this and all lengths and areas in nm are None without a pixel size.
    area_px : int
        Number of pixels.
    area_nm2 : float or None
        Area in nm².
    length_nm : float or None
        Length in nm: that of the centre line for a class of kind "line", else the longest extent
        (the maximum Feret diameter).
    mean_probability, max_probability : float
        Of the class, over the pixels of the region.
    kind : {"point", "line", "area"}
        Kind of the class.
    width_nm : float or None
        Mean width of a line in nm, its area divided by its length; None for other kinds.
    direction_deg : float or None
        Direction of a line from one end to the other, in degrees from the x axis to the right,
        counter-clockwise as the image is displayed (y downwards), 0 to below 180; None for other
        kinds.
    perimeter_nm : float or None
        Perimeter of an area in nm; None for other kinds.
    site_y_px, site_x_px : float or None
        Site of a point defect in px, measured in the image (see `lattice.site_measurement`): of a
        missing column that of its neighbours' lattice, of an added one its own. None for other
        kinds, and where nothing could be measured.
    intensity_ratio, intensity_ratio_error : float or None
        Integrated intensity at the site relative to like columns, and its standard deviation.
    sublattice : str
        "A" for the brightest column of the unit cell, "B" for the next, ...; "between" for a place
        without a column; "" where nothing was measured.
    centre_line : tuple of (float, float)
        Points (y, x) in px along the centre line of a line, from end to end; empty for other
        kinds.
    geometry : str
        Whether the crystal on both sides of a line agrees with its name: "confirmed",
        "contradicted" (the class is then ``unknown``), "measured" where the name states nothing,
        "not verified"; "" for other kinds and earlier results.
    looks_like : str
        What the geometry of a line shows, as "intrinsic stacking fault" or "boundary, 12 degrees".
    geometry_note : str
        Why a line could not be verified, or what the verdict rests on.
    misorientation_deg : float or None
        Smallest rotation that carries the lattice on one side of a line into that on the other.
    shift_y_nm, shift_x_nm : float or None
        Rigid shift of one side against the other where both have one lattice, the shortest of
        those that differ by lattice vectors.
    shift_error_nm : float or None
        Standard error of each component of the shift.
    shift_a, shift_b : float or None
        The shift in units of the two shortest lattice vectors.
    shifted_layers : int or None
        Layers of an ABC stacking that are shifted: 1 in an intrinsic fault, 2 in an extrinsic one.
    plane : str
        Indices of the lattice direction along a line, as "[1 0]"; "" where it is along none.

    Examples
    --------
    >>> micrograph = sd.simulate(size=192, defects=["SF1"], seed=1).micrograph
    >>> regions = sd.detect(micrograph, device="cpu").regions
    >>> {region.class_name for region in regions}
    {'SF1'}
    """

    image: str
    frame: int
    class_name: str
    region: int
    y_px: float
    x_px: float
    y_nm: float | None
    x_nm: float | None
    area_px: int
    area_nm2: float | None
    length_nm: float | None
    mean_probability: float
    max_probability: float
    kind: Kind = "point"
    width_nm: float | None = None
    direction_deg: float | None = None
    perimeter_nm: float | None = None
    site_y_px: float | None = None
    site_x_px: float | None = None
    intensity_ratio: float | None = None
    intensity_ratio_error: float | None = None
    sublattice: str = ""
    centre_line: tuple[tuple[float, float], ...] = ()
    geometry: str = ""
    looks_like: str = ""
    geometry_note: str = ""
    misorientation_deg: float | None = None
    shift_y_nm: float | None = None
    shift_x_nm: float | None = None
    shift_error_nm: float | None = None
    shift_a: float | None = None
    shift_b: float | None = None
    shifted_layers: int | None = None
    plane: str = ""

    def __repr__(self) -> str:
        place = f"y_px={self.y_px:.1f}, x_px={self.x_px:.1f}, area_px={self.area_px}"
        named = f"{self.class_name!r} {self.region} of frame {self.frame} of {self.image!r}"
        return f"Region({named}, {place}, mean_probability={self.mean_probability:.3f})"

    @property
    def length_px(self) -> float | None:
        """Length of the centre line in px; None for a region without one."""
        return polyline_length(self.centre_line) if self.centre_line else None


@dataclass(frozen=True, eq=False)
class Detection:
    """The result of detection in one frame.

    Attributes
    ----------
    image : str
        The micrograph's name.
    frame : int
        Index of the frame in its stack, 0 for a single image.
    map : ProbabilityMap
        Probabilities per window.
    mask_stack : MaskStack
        Masks of the defect classes, then ``unknown``, in px of the image, packed.
    regions : tuple of Region
        The measured defects, ``unknown`` left out.
    pixel_size_nm : float or None
        Edge of one pixel in nm; ``parameters`` states its source.
    parameters : mapping
        Every parameter of the result (stride, thresholds, device, resampling factor, ...).
    seconds : float
        Wall time spent on this frame.
    model : mapping of str to str
        ``name`` and ``sha256`` of the model; empty if unknown.

    Examples
    --------
    >>> micrograph = sd.simulate(size=192, defects=["SF1"], seed=1).micrograph
    >>> detection = sd.detect(micrograph, device="cpu")
    >>> detection.masks.shape, detection.mask_names[-1]
    ((7, 192, 192), 'unknown')
    >>> detection.map.classes[0]
    'Bulk'
    """

    image: str
    frame: int
    map: ProbabilityMap
    mask_stack: MaskStack
    regions: tuple[Region, ...]
    pixel_size_nm: float | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    model: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = [region.class_name for region in self.regions]
        counts = ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
        return f"Detection({self.image!r}, frame {self.frame}, {counts or 'no defects'})"

    def _repr_html_(self) -> str:
        return str(function_of(_VIEW, "html")(self))

    def to_dataframe(self) -> Any:
        """Return the regions as a table, with the columns of ``regions.csv``; needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        return function_of(_VIEW, "table")(self)

    def plot(self, micrograph: Micrograph | None = None, axes: Axes | None = None) -> Axes:
        """Draw the defects with axes in nm, on the image if it is given.

        Parameters
        ----------
        micrograph : Micrograph, optional
            The image that was searched.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            The image has another size.
        """
        drawn: Axes = function_of(_VIEW, "plot")(self, micrograph, axes)
        return drawn

    def save(self, out: str | Path, micrograph: Micrograph, *, overwrite: bool = False) -> Path:
        """Write the files that the command ``detect`` writes; see `save` for frames of a stack.

        Parameters
        ----------
        out : str or Path
            Parent folder.
        micrograph : Micrograph
            The image or stack that was searched.
        overwrite : bool, default: False
            Whether results that were edited by hand, or have other frames, may be replaced.

        Returns
        -------
        Path
            The folder of the results, ``out/<name>``.

        Raises
        ------
        InputError
            It is another image, or the folder cannot be written.
        """
        saved: Path = function_of(_SAVE, "save")(self, out, micrograph, overwrite=overwrite)
        return saved

    @property
    def class_table(self) -> Mapping[str, DefectClass]:
        """Kind, title and colour of each class by its name, ``unknown`` included."""
        return self.map.class_table

    @property
    def searched_nm2(self) -> float | None:
        """Area that was searched, nm²; None without a pixel size."""
        return searched_nm2(self.mask_stack.shape, self.map, self.parameters, self.pixel_size_nm)

    @property
    def mask_names(self) -> tuple[str, ...]:
        """Names of the masks: the defect classes, then ``unknown``."""
        return self.mask_stack.names

    @cached_property
    def masks(self) -> NDArray[np.uint8]:
        """Masks of 0 and 1 in px of the image, uint8, shape (len(mask_names), Y, X).

        Unpacked on first use: for a large micrograph they take several times its size, and
        ``mask_stack`` gives the same in row blocks.
        """
        return self.mask_stack.masks()


def searched_nm2(
    frame_shape: tuple[int, int],
    found: ProbabilityMap,
    parameters: Mapping[str, Any],
    pixel_size_nm: float | None,
) -> float | None:
    """Return the area of a frame that was searched.

    Parameters
    ----------
    frame_shape : (int, int)
        Height and width of the frame in px.
    found : ProbabilityMap
        Its probabilities; where all are 0, outside of the crystal, nothing was searched.
    parameters : mapping
        Parameters of the result, as for `searched_share`; ``area_px`` is the part chosen.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    float or None
        In nm²; None without a pixel size.
    """
    if pixel_size_nm is None:
        return None
    valid = searched_px(frame_shape, parameters.get("area_px"), float(found.valid.mean()))
    share = searched_share(found.probability, found.valid, parameters)
    return valid * share * pixel_size_nm**2
