"""The five preprocessing stages as image layers, updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY, layer_name, spatial

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.pipeline import Stages

STAGE_TITLES = {
    "original": "a original",
    "normalised": "b normalised",
    "background_removed": "c background removed",
    "spectrum": "d log FFT",
    "thresholded": "e thresholded",
}
"""Stages a to e of Fig. 2 of Marvin et al., by their names in `Stages`."""

_SHOWN_PERCENT = (0.5, 99.8)


class StageLayers:
    """Shows stages over the image they came from; one of the five is visible at a time.

    Spectra lie over the image's own extent, in its units: a layer in 1/nm would make napari
    drop the units of all.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._made: dict[str, weakref.ref[Image]] = {}
        self._auto: dict[str, tuple[float, float]] = {}
        self._latest: Stages | None = None
        self._stale: list[str] = []
        self.visible = "background_removed"

    def begin(self, source: Image) -> None:
        """Show the stages of another image from now on; the layers of the one before go."""
        if self._source is None or self._source() is not source:
            self.remove()
        self._source = weakref.ref(source)
        self._latest = None

    def remove(self) -> None:
        """Take our layers out of the viewer."""
        for name in list(self._made):
            if (layer := self.layer(name)) is not None:
                self._viewer.layers.remove(layer)
        self._made.clear()
        self._auto.clear()

    def layer(self, stage: str) -> Image | None:
        """Return a stage's layer; None where there is none or the user has deleted it."""
        made = self._made.get(stage)
        layer = None if made is None else made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def show(self, stages: Stages) -> None:
        """Update the layer that is seen; `make_next` sees to the others and to those missing."""
        self._latest = stages
        self._stale = [name for name in STAGE_TITLES if name in self._made]
        if self.visible in self._stale:
            self._update(self.visible)

    def make_next(self) -> bool:
        """Make or update one layer, so that napari lives between two; say whether more wait."""
        source = None if self._source is None else self._source()
        if source is None or self._latest is None:
            return False
        missing = [name for name in STAGE_TITLES if name not in self._made]
        if missing:
            self._make(missing[0], getattr(self._latest, missing[0]), source)
        elif self._stale:
            self._update(self._stale[0])
        return len(missing) > 1 or bool(self._stale)

    def choose(self, stage: str) -> None:
        """Make one stage visible, the others not."""
        self.visible = stage
        for name in STAGE_TITLES:
            if (layer := self.layer(name)) is not None:
                layer.visible = name == stage

    def _make(self, stage: str, values: NDArray[np.float32], source: Image) -> None:
        limits = _limits(values)
        layer = Image(
            values,
            name=layer_name(source.name, STAGE_TITLES[stage]),
            contrast_limits=limits,
            visible=stage == self.visible,
            metadata={METADATA_KEY: {"made": "stage", "stage": stage}},
            **spatial(source),
        )
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._made[stage], self._auto[stage] = weakref.ref(layer), limits

    def _update(self, stage: str) -> None:
        """Put new pixels into a layer; limits that the user has set stay."""
        self._stale.remove(stage)
        layer = self.layer(stage)
        if layer is None or self._latest is None:
            return
        values = getattr(self._latest, stage)
        untouched = np.allclose(layer.contrast_limits, self._auto[stage])
        layer.data = values
        if untouched:
            self._auto[stage] = _limits(values)
            layer.contrast_limits_range = (float(values.min()), _above(values))
            layer.contrast_limits = self._auto[stage]


def _limits(values: NDArray[np.float32]) -> tuple[float, float]:
    # Every third pixel of each axis tells as much, in a ninth of the time.
    low, high = np.percentile(values[::3, ::3], _SHOWN_PERCENT)
    return float(low), max(float(high), float(low) + 1e-6)


def _above(values: NDArray[np.float32]) -> float:
    return max(float(values.max()), float(values.min()) + 1e-6)
