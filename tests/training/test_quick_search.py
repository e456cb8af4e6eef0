"""A search with a kept residual finds what a detection finds."""

from __future__ import annotations

import numpy as np
from labelled_crystals import labelled, vacancies

import napari_stem_defects as sd
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_images import prepare_image
from napari_stem_defects.training.quick_search import search_prepared


def test_the_masks_are_those_of_a_detection() -> None:
    image = vacancies()
    ensemble = train_quick([labelled(image, 4)], ()).ensemble
    model = quick_model(ensemble)
    ready = prepare_image(image.micrograph, model.scale)
    found = search_prepared(image.micrograph, ready, model, ensemble)
    whole = sd.detect(image.micrograph, ensemble)
    assert len(whole.regions) == 9
    assert found.masks.names == whole.mask_names
    np.testing.assert_array_equal(found.masks.masks(), whole.masks)
