"""What a worker found in one frame, in the form that windows draw and re-threshold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.version import __version__
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX, masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions, number_regions
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import Ensemble


def provenance_of(micrograph: Micrograph, ensemble: Ensemble) -> dict[str, Any]:
    """Say what a result is made of, in plain data."""
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
    """A `Detection` whose planes hold region numbers instead of 0 and 1.

    Attributes
    ----------
    numbered : ndarray of unsigned integers, shape (C, Y, X)
        For each of ``names`` 0 for background, else the number of the region.
    invalid : ndarray of bool, shape (Y, X), or None
        Pixels without a value; needed to fuse again.
    origin : mapping
        The model's ``name`` and ``sha256``, the image's ``name``, ``path`` and ``sha256``, and the
        ``version`` of this package.
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
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Detection, invalid: NDArray[np.bool_] | None) -> FrameResult:
        """Return a detection with its regions numbered."""
        return cls(
            image=found.image,
            frame=found.frame,
            map=found.map,
            names=found.mask_names,
            numbered=_small(number_regions(found.map, found.planes)),
            regions=found.regions,
            invalid=invalid,
            pixel_size_nm=found.pixel_size_nm,
            parameters=found.parameters,
            seconds=found.seconds,
        )

    def detection(self) -> Detection:
        """Return the detection this came from."""
        return Detection(
            image=self.image,
            frame=self.frame,
            map=self.map,
            planes=MaskStack.of(self.names, (self.numbered > 0).view(np.uint8)),
            regions=self.regions,
            pixel_size_nm=self.pixel_size_nm,
            parameters=self.parameters,
            seconds=self.seconds,
        )

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The threshold of every class, Bulk included."""
        limits: Mapping[str, float] = self.parameters["thresholds"]
        return limits

    @property
    def finished(self) -> bool:
        """Whether every window was asked, not only those of a coarse grid and some more."""
        return bool(self.parameters.get("finished", True))

    @classmethod
    def fused(
        cls,
        map: ProbabilityMap,
        micrograph: Micrograph,
        frame: int,
        parameters: Mapping[str, Any],
    ) -> FrameResult:
        """Make a result of a map alone; the parameters hold ``thresholds`` for all classes."""
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
        """Apply other thresholds to the kept probabilities."""
        height, width = self.numbered.shape[1:]
        limits = {**self.thresholds, **thresholds}
        # As in detection: a speck is one at the model's pixel size.
        min_length_px = MIN_PLANAR_LENGTH_PX / self.parameters.get("resampling_factor", 1.0)
        planes = masks_from_probability(
            self.map, (height, width), limits, self.invalid, min_length_px=min_length_px
        )
        return self.with_planes(planes, thresholds=limits)

    def with_planes(self, planes: MaskStack, **parameters: Any) -> FrameResult:
        """Replace the planes, number and measure their regions, and add to the parameters."""
        regions = measure_regions(
            self.map,
            planes,
            image=self.image,
            frame=self.frame,
            pixel_size_nm=self.pixel_size_nm,
        )
        return replace(
            self,
            names=planes.names,
            numbered=_small(number_regions(self.map, planes)),
            regions=regions,
            parameters={**self.parameters, **parameters},
        )


def _small(numbered: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    """Return the numbers in the smallest type that holds them: they travel between processes."""
    return numbered.astype(np.min_scalar_type(numbered.max(initial=0)))
