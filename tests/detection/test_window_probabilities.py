"""Windows of a frame lie in its own px, whatever the pixel size of the model is."""

from __future__ import annotations

import pytest

import napari_stem_defects as sd
from napari_stem_defects.detection.window_probabilities import window_probabilities
from napari_stem_defects.lattice.scale import match_scale


@pytest.mark.parametrize("magnified", [1.0, 1.6])
def test_probabilities_are_those_of_places_of_the_frame(magnified: float) -> None:
    ensemble = sd.load_model("cdte-110")
    size_nm = ensemble.spec.pixel_size_nm / magnified
    made = sd.simulate("cdte-110", size=256, pixel_size_nm=size_nm, defects=[]).micrograph
    scale = match_scale(made, ensemble.spec.target_scale)
    found, filtered = window_probabilities(scale, ensemble, 16)
    assert filtered.shape == tuple(round(256 / magnified) for _ in range(2))
    assert found.probability.shape == (len(ensemble.spec.classes), len(found.y), len(found.x))
    assert found.x[1] - found.x[0] == pytest.approx(16 * magnified, rel=0.01)
    bulk = found.probability[found.classes.index("Bulk")]
    assert (bulk[found.valid] > 0.5).mean() > 0.9
