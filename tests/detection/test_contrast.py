"""Images with dark columns are inverted for models of bright ones, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection import contrast as module
from napari_stem_defects.detection.contrast import (
    INVERTED,
    INVERTED_BRIGHT,
    inverted,
    settle_contrast,
)
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.networks.architecture import MatchedFilterArchitecture
from napari_stem_defects.networks.spec import EnsembleSpec

BRIGHT = EnsembleSpec("bright", ("Bulk", "SF1"), training={"on_new_scenes": {}})
UNKNOWN = EnsembleSpec("own", ("Bulk", "SF1"))
DARK, BOTH = (
    EnsembleSpec("own", ("Bulk", "SF1"), training={"column_contrast": each})
    for each in ("dark", "both")
)


@pytest.fixture(scope="module")
def crystal() -> Micrograph:
    return sd.simulate(size=192, defects=["SF1"], seed=3).micrograph


def settled(micrograph: Micrograph, spec: EnsembleSpec, *choice: str) -> Micrograph | None:
    found = settle_contrast(micrograph, measure_lattices(micrograph.pixels), spec, *choice)  # type: ignore[arg-type]
    assert bool(found.statement) == found.is_inverted
    return found.micrograph if found.is_inverted else None


def test_inversion_keeps_the_range_and_is_undone_by_itself(crystal: Micrograph) -> None:
    invalid = np.zeros(crystal.pixels.shape, bool)
    invalid[0, 0] = True
    pixels = crystal.pixels.copy()
    pixels[0, 0] = 1e9
    odd = replace(crystal, pixels=pixels, invalid=invalid)
    once = inverted(odd)
    known = ~invalid
    assert once.pixels[known].min() == pytest.approx(pixels[known].min(), rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(inverted(once).pixels[known], pixels[known], rtol=1e-4, atol=1e-2)


def test_only_dark_columns_are_inverted(crystal: Micrograph) -> None:
    assert settled(crystal, BRIGHT) is None
    back = settled(inverted(crystal), BRIGHT)
    assert back is not None
    np.testing.assert_allclose(back.pixels, crystal.pixels, rtol=1e-4, atol=1e-2)


def test_models_of_unknown_contrast_get_the_image_as_it_is(crystal: Micrograph) -> None:
    assert settled(inverted(crystal), UNKNOWN) is None
    assert settled(inverted(crystal), UNKNOWN, "dark") is not None


def test_what_the_user_states_holds(crystal: Micrograph) -> None:
    assert settled(crystal, BRIGHT, "dark") is not None
    assert settled(inverted(crystal), BRIGHT, "bright") is None
    with pytest.raises(sd.InputError, match="contrast 'grey': give auto, bright, dark"):
        settled(crystal, BRIGHT, "grey")


def test_models_of_dark_columns_get_bright_ones_inverted(crystal: Micrograph) -> None:
    dark = inverted(crystal)
    assert settled(dark, DARK) is None
    back = settled(crystal, DARK)
    assert back is not None
    np.testing.assert_allclose(back.pixels, dark.pixels, rtol=1e-4, atol=1e-2)
    found = settle_contrast(crystal, measure_lattices(crystal.pixels), DARK)
    assert found.statement == INVERTED_BRIGHT
    assert settled(dark, DARK, "dark") is None
    assert settled(crystal, DARK, "bright") is not None


def test_models_of_both_contrasts_get_the_image_as_it_is(crystal: Micrograph) -> None:
    for image in (crystal, inverted(crystal)):
        for choice in ("auto", "bright", "dark"):
            assert settled(image, BOTH, choice) is None


@pytest.mark.parametrize("spec", [BRIGHT, UNKNOWN, DARK, BOTH], ids=["bright", "?", "dark", "both"])
def test_intensities_are_measured_in_bright_contrast(
    crystal: Micrograph, spec: EnsembleSpec
) -> None:
    lattice = measure_lattices(crystal.pixels)
    for image, choice in ((crystal, "bright"), (inverted(crystal), "dark")):
        for stated in ("auto", choice):
            found = settle_contrast(image, lattice, spec, stated)  # type: ignore[arg-type]
            np.testing.assert_allclose(found.bright_pixels(), crystal.pixels, rtol=1e-4, atol=1e-2)


def test_a_bright_field_image_has_the_defects_of_its_inverse(crystal: Micrograph) -> None:
    options = {"stride": 16, "device": "cpu"}
    plain = sd.detect(crystal, **options)  # type: ignore[arg-type]
    dark = sd.detect(inverted(crystal), **options)  # type: ignore[arg-type]
    assert [each.class_name for each in dark.regions] == [each.class_name for each in plain.regions]
    assert plain.regions
    assert INVERTED in dark.parameters["warnings"]
    assert (plain.parameters["inverted"], dark.parameters["inverted"]) == (False, True)
    assert (plain.parameters["columns"], dark.parameters["columns"]) == ("bright", "dark")
    np.testing.assert_allclose(dark.map.probability, plain.map.probability, atol=0.02)


def quick(contrast: str | None) -> EnsembleSpec:
    """Return the description of a quick model of images with a contrast."""
    return EnsembleSpec(
        "quick",
        ("Bulk", "Vac"),
        architecture=MatchedFilterArchitecture(7.0, (1,)),
        training={"column_contrast": contrast},
    )


def test_quick_models_get_images_with_the_contrast_of_their_clicks(crystal: Micrograph) -> None:
    dark = inverted(crystal)
    assert settled(crystal, quick("bright")) is None
    assert settled(dark, quick("bright")) is not None
    assert settled(dark, quick("dark")) is None
    assert settled(crystal, quick("dark")) is not None


@pytest.mark.parametrize("contrast", [None, "both"])
def test_quick_models_of_no_or_both_contrasts_get_images_as_they_are(
    crystal: Micrograph, contrast: str | None
) -> None:
    for image in (crystal, inverted(crystal)):
        assert settled(image, quick(contrast)) is None


def test_half_the_clarity_suffices_for_quick_models(
    crystal: Micrograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sharpness, expected in ((-0.3, True), (-0.1, False), (0.3, False)):
        monkeypatch.setattr(module, "column_sharpness", lambda *_, s=sharpness: s)
        assert (settled(crystal, quick("bright")) is not None) == expected
