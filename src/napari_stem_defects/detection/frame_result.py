"""Result of one frame with numbered regions, as panels draw it and apply other thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.base.version import __version__
from napari_stem_defects.detection.drawn_masks import draw_masks
from napari_stem_defects.detection.measured_points import keep_measurements
from napari_stem_defects.detection.planar_checks import (
    PLANAR_CHECKS,
    annotate,
    apply_checks,
    still_unknown,
)
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import measure_regions, number_regions
from napari_stem_defects.postprocessing.results import (
    Detection,
    ProbabilityMap,
    Region,
    searched_nm2,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import Ensemble


SAME_PLACE_PX = 6.0
"""Distance up to which a measured site belongs to a region with another outline."""


def total_searched_nm2(results: Iterable[FrameResult]) -> float | None:
    """Return the area that was searched in several frames.

    Parameters
    ----------
    results : iterable of FrameResult

    Returns
    -------
    float or None
        In nm²; None if there is no frame, or one without a pixel size.
    """
    areas = [result.searched_nm2 for result in results]
    known = [area for area in areas if area is not None]
    return sum(known) if known and len(known) == len(areas) else None


def provenance_of(micrograph: Micrograph, ensemble: Ensemble) -> dict[str, Any]:
    """Return the provenance of a result as JSON-safe values.

    Parameters
    ----------
    micrograph : Micrograph
    ensemble : Ensemble

    Returns
    -------
    dict
        The model's ``name`` and ``sha256``, the image's ``name``, ``path`` and ``sha256``, and the
        ``version`` of this package.
    """
    path = micrograph.path
    return {
        "model": {"name": ensemble.spec.name, "sha256": ensemble.sha256},
        "image": {
            "name": micrograph.name,
            "path": None if path is None else str(path),
            "sha256": micrograph.sha256,
        },
        "version": __version__,
    }


@dataclass(frozen=True)
class FrameResult:
    """A `Detection` with label images: masks hold region numbers instead of 0 and 1.

    Attributes
    ----------
    image : str
        Name of the micrograph.
    frame : int
        Index of the frame in its stack.
    map : ProbabilityMap
        Probabilities per window.
    names : tuple of str
        Names of the masks: the defect classes, then ``unknown``.
    numbered : ndarray of unsigned integers, shape (C, Y, X)
        For each of ``names`` 0 for background, else the region number.
    regions : tuple of Region
        The measured defects, ``unknown`` left out.
    invalid : ndarray of bool, shape (Y, X), or None
        Pixels without a value; needed to apply other thresholds.
    pixel_size_nm : float or None
        Edge of one pixel in nm.
    parameters : mapping
        Parameters of the detection; ``thresholds`` has one for every class.
    seconds : float
        Wall time spent on this frame.
    provenance : mapping
        Provenance as `provenance_of` returns it; empty if unknown.
    """

    image: str
    frame: int
    map: ProbabilityMap
    names: tuple[str, ...]
    numbered: NDArray[np.unsignedinteger[Any]]
    regions: tuple[Region, ...]
    invalid: NDArray[np.bool_] | None
    pixel_size_nm: float | None
    parameters: Mapping[str, Any]
    seconds: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Detection, invalid: NDArray[np.bool_] | None) -> FrameResult:
        """Return a detection with its regions numbered.

        Parameters
        ----------
        found : Detection
        invalid : ndarray of bool, shape (Y, X), or None
            Pixels without a value.
        """
        return cls(
            image=found.image,
            frame=found.frame,
            map=found.map,
            names=found.mask_names,
            numbered=_smallest_type(number_regions(found.map, found.mask_stack)),
            regions=found.regions,
            invalid=invalid,
            pixel_size_nm=found.pixel_size_nm,
            parameters=found.parameters,
            seconds=found.seconds,
        )

    def detection(self) -> Detection:
        """Return the detection with masks of 0 and 1."""
        return Detection(
            image=self.image,
            frame=self.frame,
            map=self.map,
            mask_stack=MaskStack.from_array(self.names, (self.numbered > 0).view(np.uint8)),
            regions=self.regions,
            pixel_size_nm=self.pixel_size_nm,
            parameters=self.parameters,
            seconds=self.seconds,
            model=self.provenance.get("model", {}),
        )

    @property
    def searched_nm2(self) -> float | None:
        """Area that was searched, nm²; None without a pixel size."""
        height, width = self.numbered.shape[1:]
        return searched_nm2((height, width), self.map, self.parameters, self.pixel_size_nm)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Threshold of every class, Bulk included."""
        limits: Mapping[str, float] = self.parameters["thresholds"]
        return limits

    @property
    def finished(self) -> bool:
        """Whether the result covers all windows, not only a coarse grid or some tiles."""
        return bool(self.parameters.get("finished", True))

    @classmethod
    def from_probability(
        cls,
        map: ProbabilityMap,
        micrograph: Micrograph,
        frame: int,
        parameters: Mapping[str, Any],
    ) -> FrameResult:
        """Draw masks and measure their regions.

        Parameters
        ----------
        map : ProbabilityMap
        micrograph : Micrograph
            One frame; its name, shape, invalid pixels and pixel size are used.
        frame : int
            Index of the frame in its stack.
        parameters : mapping
            ``thresholds`` for all classes of the map are required. ``resampling_factor``, if
            present, scales lengths to px of the image; see `drawn_masks.draw_masks`.
        """
        nothing = np.zeros((0, *micrograph.frame_shape), np.uint32)
        empty = cls(
            image=micrograph.name,
            frame=frame,
            map=map,
            names=(),
            numbered=nothing,
            regions=(),
            invalid=micrograph.invalid,
            pixel_size_nm=micrograph.pixel_size_nm,
            parameters=parameters,
            seconds=0.0,
        )
        return empty.with_thresholds({})

    def with_thresholds(self, thresholds: Mapping[str, float]) -> FrameResult:
        """Return the result with other thresholds, from the same probabilities.

        Parameters
        ----------
        thresholds : mapping of str to float
            Replaces the thresholds of the classes named; the others keep theirs.
        """
        height, width = self.numbered.shape[1:]
        limits = {**self.thresholds, **thresholds}
        parameters = {**self.parameters, "thresholds": limits}
        mask_stack = draw_masks(self.map, (height, width), parameters, self.invalid)
        checks = self.parameters.get(PLANAR_CHECKS)
        regions = self._measured(mask_stack)
        mask_stack, regions = apply_checks(
            self.map, mask_stack, regions, checks, self.pixel_size_nm
        )
        return replace(
            self,
            names=mask_stack.names,
            numbered=_smallest_type(number_regions(self.map, mask_stack)),
            regions=regions,
            parameters=parameters,
        )

    def with_masks(self, mask_stack: MaskStack, **parameters: Any) -> FrameResult:
        """Return the result with other masks, whose regions are numbered and measured.

        Parameters
        ----------
        mask_stack : MaskStack
        **parameters
            Values added to the parameters of the result.
        """
        # What a user corrects keeps the class given; the figures of its check stay.
        regions = (
            *annotate(self._measured(mask_stack), self.parameters.get(PLANAR_CHECKS)),
            *still_unknown(self.regions, mask_stack),
        )
        return replace(
            self,
            names=mask_stack.names,
            numbered=_smallest_type(number_regions(self.map, mask_stack)),
            regions=regions,
            parameters={**self.parameters, **parameters},
        )

    def _measured(self, mask_stack: MaskStack) -> tuple[Region, ...]:
        regions = measure_regions(
            self.map,
            mask_stack,
            image=self.image,
            frame=self.frame,
            pixel_size_nm=self.pixel_size_nm,
        )
        return keep_measurements(regions, self.regions, SAME_PLACE_PX)


@dataclass(frozen=True, kw_only=True)
class PartialResultProgress(Progress):
    """A step of a detection, with the result of the windows predicted so far.

    Attributes
    ----------
    result : FrameResult
        Its `FrameResult.finished` is False.
    """

    result: FrameResult


def _smallest_type(numbered: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    """Return the numbers in the smallest type that holds them; they are sent between processes."""
    return numbered.astype(np.min_scalar_type(numbered.max(initial=0)))
