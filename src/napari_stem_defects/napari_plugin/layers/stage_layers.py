"""The five preprocessing stages as image layers, updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    layer_name,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on
from napari_stem_defects.reporting.contrast import contrast_limits

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.pipeline import Stages

STAGE_TITLES = {
    "original": "Original",
    "normalised": "Normalised",
    "background_removed": "Background removed",
    "spectrum": "log FFT",
    "thresholded": "Thresholded",
}
"""The stages of Fig. 2 of Marvin et al., in its order, by their names in `Stages`."""

_CONTRAST_PERCENTILES = (0.5, 99.8)


class StageLayers:
    """Shows stages over their source image; one of the five is visible at a time.

    Spectra cover the extent of the image in its units: a layer in 1/nm would make napari drop
    the units of all layers. Layers that the user deletes are not added again until the next
    `begin` with another image.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    visible : str
        The stage shown, a key of `STAGE_TITLES`.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._source: weakref.ref[Image] | None = None
        self._layers: OwnedLayers[Image] = OwnedLayers(viewer)
        self._automatic_limits: dict[str, tuple[float, float]] = {}
        self._latest: Stages | None = None
        self._outdated: list[str] = []
        self.visible = "background_removed"

    def begin(self, source: Image) -> None:
        """Prepare for the stages of an image; layers of another image are removed."""
        if alive(self._source) is not source:
            self.remove()
        self._source = weakref.ref(source)
        self._latest = None

    def remove(self) -> None:
        """Remove the layers from the viewer."""
        self._layers.remove_all()
        self._automatic_limits.clear()

    def layer(self, stage: str) -> Image | None:
        """Return the layer of a stage; None if there is none or the user has deleted it."""
        return self._layers.get(stage)

    def show(self, stages: Stages) -> None:
        """Update the visible layer; `make_next` updates the others and adds missing ones."""
        self._latest = stages
        self._outdated = [name for name in STAGE_TITLES if name in self._layers]
        if self.visible in self._outdated:
            self._update(self.visible)

    def make_next(self) -> bool:
        """Add or update one layer, so that napari can process events between two layers.

        Returns
        -------
        bool
            Whether more layers have to be added or updated.
        """
        source = alive(self._source)
        if source is None or self._latest is None:
            return False
        missing = [name for name in STAGE_TITLES if name not in self._layers]
        if missing:
            self._add(missing[0], getattr(self._latest, missing[0]), source)
        elif self._outdated:
            self._update(self._outdated[0])
        return len(missing) > 1 or bool(self._outdated)

    def choose(self, stage: str) -> None:
        """Make one stage visible and hide the others."""
        self.visible = stage
        for name in STAGE_TITLES:
            if (layer := self.layer(name)) is not None:
                layer.visible = name == stage

    def _add(self, stage: str, values: NDArray[np.float32], source: Image) -> None:
        limits = _contrast_limits(values)
        layer = Image(
            values,
            name=layer_name(source.name, STAGE_TITLES[stage]),
            contrast_limits=limits,
            visible=stage == self.visible,
            metadata={METADATA_KEY: {"made": "stage", "stage": stage}},
            **spatial_keywords(source),
        )
        keep_on(layer, source)
        self._layers.add(stage, layer)
        self._automatic_limits[stage] = limits

    def _update(self, stage: str) -> None:
        """Replace the pixels of a layer; contrast limits set by the user are kept."""
        self._outdated.remove(stage)
        layer = self.layer(stage)
        if layer is None or self._latest is None:
            return
        values = getattr(self._latest, stage)
        is_automatic = np.allclose(layer.contrast_limits, self._automatic_limits[stage])
        layer.data = values
        if is_automatic:
            self._automatic_limits[stage] = _contrast_limits(values)
            lowest, highest = float(values.min()), float(values.max())
            layer.contrast_limits_range = (lowest, max(highest, lowest + 1e-6))
            layer.contrast_limits = self._automatic_limits[stage]


def _contrast_limits(values: NDArray[np.float32]) -> tuple[float, float]:
    # Every third pixel of each axis gives the same percentiles in a ninth of the time.
    low, high = contrast_limits(values[::3, ::3], _CONTRAST_PERCENTILES)
    return low, max(high, low + 1e-6)
