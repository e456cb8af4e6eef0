"""What detection returns for one frame: probabilities, masks, regions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import BULK

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.mask_stack import MaskStack


@dataclass(frozen=True)
class ProbabilityMap:
    """The ensemble's answer for every window of one frame.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        Calibrated probability of each class for each window; NaN-free. Windows without a call
        (blank or invalid pixels) hold 0 for every class.
    y, x : ndarray of float32, shapes (gy,) and (gx,)
        Window centres in px of the input image.
    classes : tuple of str
        Names of the C classes, Bulk included where the ensemble has that member.
    called : ndarray of bool, shape (gy, gx)
        False where the window is blank or holds invalid pixels, so nothing is said about it.
    """

    probability: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]
    classes: tuple[str, ...]
    called: NDArray[np.bool_]

    @property
    def defect_classes(self) -> tuple[str, ...]:
        """The classes that are drawn: all but Bulk."""
        return tuple(name for name in self.classes if name != BULK)


@dataclass(frozen=True)
class Region:
    """One connected defect, measured; lengths and areas in nm are None without calibration.

    ``y_px``, ``x_px`` is the centroid in px of the input image; ``length_nm`` the longest
    extent of the region (its maximum Feret diameter).
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


@dataclass(frozen=True)
class Detection:
    """Everything detection found in one frame.

    Attributes
    ----------
    image : str
        The micrograph's name.
    frame : int
        Index of the frame in its stack, 0 for a single image.
    map : ProbabilityMap
        Probabilities per window.
    planes : Planes
        The defect classes, then ``unknown``, in px of the input image, packed.
    regions : tuple of Region
        The connected defects of the planes, ``unknown`` left out.
    pixel_size_nm : float or None
        Calibration used; see ``parameters`` for where it came from.
    parameters : mapping
        Every parameter that shaped the result (model, stride, thresholds, resampling factor).
    seconds : float
        Wall time spent on this frame.
    """

    image: str
    frame: int
    map: ProbabilityMap
    planes: MaskStack
    regions: tuple[Region, ...]
    pixel_size_nm: float | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def mask_names(self) -> tuple[str, ...]:
        """Names of the planes of ``masks``: the defect classes, then ``unknown``."""
        return self.planes.names

    @cached_property
    def masks(self) -> NDArray[np.uint8]:
        """0/1 planes in px of the input image, shape (len(mask_names), Y, X).

        Unpacked when first asked for: of a large micrograph that is several times its size, and
        ``planes`` gives the same in parts.
        """
        return self.planes.masks()


@dataclass(frozen=True)
class Findings:
    """What the legend says, of all frames together.

    Attributes
    ----------
    totals : mapping of str to ClassTotal
        Per defect class.
    fractions : mapping of str to float
        Share of the area per plane, ``unknown`` included.
    called : float
        Share of the windows about which the ensemble said anything.
    pixel_size_source : str
    frames : int
        How many frames were searched.
    """

    totals: Mapping[str, ClassTotal]
    fractions: Mapping[str, float]
    called: float
    pixel_size_source: str
    frames: int = 1


@dataclass(frozen=True)
class ClassTotal:
    """All regions of one class together; nm figures are None without calibration."""

    count: int
    area_px: int
    area_nm2: float | None
    length_nm: float | None
