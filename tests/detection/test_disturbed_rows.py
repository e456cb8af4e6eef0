"""Which models see an image without its disturbed scan rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystal_images import HEXAGONAL, crystal_image
from frame_samples import MODEL_PX_NM, certain, micrograph
from scan_rows import brighter

from napari_stem_defects.detection.detect_frame import detect_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.networks.spec import Ensemble


def test_networks_of_patches_see_disturbed_scan_rows_as_they_are(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    predict_with(certain("Bulk"))
    crystal = crystal_image(HEXAGONAL, spacing=14.0, size=256, counts=150)
    disturbed = brighter(crystal.pixels, (60, 120, 180))
    found = detect_frame(micrograph(disturbed, MODEL_PX_NM), ensemble, device="cpu")
    assert found.parameters["scan_rows"] == ""
