"""The image that is chosen is seen."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY
from napari_stem_defects.napari_plugin.layers.uncovered import uncover


def test_images_over_the_chosen_one_are_hidden_and_nothing_else() -> None:
    viewer, pixels = ViewerModel(), np.zeros((8, 9))
    below = viewer.add_image(pixels, name="below")
    chosen = viewer.add_image(pixels, name="chosen", visible=False)
    over = viewer.add_image(pixels, name="over")
    kept = [
        viewer.add_image(pixels, name="transparent", opacity=0.5),
        viewer.add_image(pixels, name="added", blending="additive"),
        viewer.add_image(pixels, name="map", metadata={METADATA_KEY: {"made": "anomaly"}}),
        viewer.add_labels(pixels.astype(int), name="labels"),
    ]
    uncover(viewer.layers, chosen)
    assert chosen.visible
    assert below.visible
    assert not over.visible
    assert all(layer.visible for layer in kept)
