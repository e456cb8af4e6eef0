"""Every pixel of any image gets the predicted class, at the right position."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frame_samples import (
    MODEL_PX_NM,
    SPEC,
    certain,
    detect,
    ensemble_of,
    matched,
    micrograph,
    noise,
)

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.lattice.scale import match_scale
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.networks.spec import Ensemble


@pytest.mark.parametrize(("radius", "wanted", "given"), [(8, 8, None), (2.5, 2, None), (2.5, 5, 5)])
def test_the_stride_is_that_of_the_ensemble_unless_given(
    predict_with: Callable[[Any], None], radius: float, wanted: int, given: int | None
) -> None:
    predict_with(certain("Bulk"))
    model = ensemble_of(replace(SPEC, training={"label_radius_px": radius}))
    found = detect(micrograph(noise(81, 81)), model, stride=given)
    assert found.parameters["stride_px"] == wanted
    assert len(found.map.x) == 1 + 80 // wanted


@pytest.mark.parametrize("shape", [(64, 64), (65, 1000), (137, 91)])
@pytest.mark.parametrize("stride", [8, 13, 64])
@pytest.mark.parametrize("pixel_size_nm", [MODEL_PX_NM, 0.04, 0.02])
def test_every_pixel_is_in_the_mask_of_the_predicted_class(
    predict_with: Callable[[Any], None],
    ensemble: Ensemble,
    shape: tuple[int, int],
    stride: int,
    pixel_size_nm: float,
) -> None:
    image = micrograph(noise(*shape), pixel_size_nm)
    for name, index in (("SF1", 0), ("Vacancy_CdTe", 1)):
        predict_with(certain(name))
        found = detect(image, ensemble, stride=stride)
        assert found.mask_names == ("SF1", "Vacancy_CdTe", "unknown")
        assert found.masks.shape == (3, *shape)
        assert found.masks[index].all()
        assert found.masks.sum() == np.prod(shape)
        for centres, length in ((found.map.y, shape[0]), (found.map.x, shape[1])):
            # Centres are whole px of the model: the two margins differ by one at most.
            assert centres[0] + centres[-1] == pytest.approx(
                length - 1, abs=1.1 * MODEL_PX_NM / pixel_size_nm
            )
    predict_with(lambda filtered, grid: np.zeros((3, len(grid.y), len(grid.x))))
    assert detect(image, ensemble, stride=stride).masks[-1].all()


@pytest.mark.parametrize("pixel_size_nm", [0.0135, 0.02, 0.0272, 0.04, 0.054])
@pytest.mark.parametrize("place", [(60.0, 90.0), (8.0, 9.0), (120.0, 171.0)])
def test_defects_are_found_where_they_are(
    predict_with: Callable[[Any], None],
    ensemble: Ensemble,
    pixel_size_nm: float,
    place: tuple[float, float],
) -> None:
    """Positions and sizes are in px of the image at every resampling factor."""
    factor = pixel_size_nm / MODEL_PX_NM
    y, x = np.mgrid[:128, :180] - np.array(place)[:, None, None]
    pixels = 1 + np.exp(-(y**2 + x**2) / 2 / (4 / factor) ** 2) + 0.01 * noise(128, 180)
    predict_with(matched)
    found = detect(
        micrograph(pixels.astype(np.float32), pixel_size_nm),
        ensemble,
        stride=3,
        thresholds={"Vacancy_CdTe": 0.9},
    )
    row, column = np.unravel_index(found.map.probability[2].argmax(), found.map.valid.shape)
    peak = np.array([found.map.y[row], found.map.x[column]])
    assert np.abs(peak - place).max() <= 2 / factor + 0.5  # centres are 3 px apart
    (region,) = (region for region in found.regions if region.class_name == "Vacancy_CdTe")
    assert np.hypot(region.y_px - place[0], region.x_px - place[1]) < 2
    assert found.parameters["resampling_factor"] == (1 if abs(factor - 1) < 0.02 else factor)


def test_probabilities_are_those_of_the_networks(ensemble: Ensemble) -> None:
    """Compare with one window at a time, cut and predicted separately.

    Of the classes that are no points: those are decided at their sites.
    """
    pixels = noise(90, 120)
    found = detect(micrograph(pixels), ensemble, stride=24)
    filtered = np.pad(filter_image(pixels, SPEC.preprocessing), 32)
    network = EnsembleNetwork(ensemble)
    for i, y in enumerate(found.map.y.astype(int)):
        for j, x in enumerate(found.map.x.astype(int)):
            seen = features(filtered[None, y : y + 64, x : x + 64], SPEC.preprocessing)
            one = network.probabilities(seen)[0]
            np.testing.assert_allclose(found.map.probability[:2, i, j], one[:2], atol=1e-5)
    assert found.map.valid.all()
    assert found.map.y.tolist() == [8, 32, 56, 80]
    assert found.map.x.tolist() == [11, 35, 59, 83, 107]


def test_a_model_of_whole_patches_gets_no_window_across_the_border(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    """Training has no window that extends over the border; probabilities there were wrong."""
    predict_with(certain("SF1"))
    whole = replace(ensemble, spec=replace(SPEC, training={"label_radius_px": 0}))
    found = detect(micrograph(noise(100, 64)), whole, stride=8)
    assert found.map.y.tolist() == [34, 42, 50, 58, 66]
    assert found.map.x.tolist() == [32]
    assert found.masks[0].all()  # the nearest window decides up to the border


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_results_do_not_depend_on_the_batch_size(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    image = micrograph(noise(80, 100))
    whole = detect(image, ensemble)
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    parts = detect(image, ensemble)
    assert np.abs(whole.map.probability - parts.map.probability).max() <= 1e-5
    np.testing.assert_array_equal(whole.masks, parts.masks)


def test_an_exception_of_the_callback_ends_the_detection(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliding_window, "BATCH", 5)
    steps: list[Progress] = []

    def cancel(step: Progress) -> None:
        steps.append(step)
        raise Cancelled

    with pytest.raises(Cancelled):
        detect(micrograph(noise(100, 100)), ensemble, report=cancel)
    assert len(steps) == 1


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(-1000 * noise(70, 80), id="negative"),
        pytest.param(noise(70, 80).astype(np.float64), id="float64"),
        pytest.param(1e30 * noise(70, 80), id="huge"),
        pytest.param(1e-30 * noise(70, 80), id="tiny"),
        pytest.param(noise(140, 160)[::2, ::-2], id="strided"),
    ],
)
def test_probabilities_are_finite_for_any_intensities(
    ensemble: Ensemble, pixels: np.ndarray
) -> None:
    found = detect(micrograph(pixels), ensemble)
    assert found.map.valid.all()
    assert found.map.probability.dtype == np.float32
    assert np.isfinite(found.map.probability).all()
    plain = detect(micrograph(np.ascontiguousarray(pixels, np.float32)), ensemble)
    np.testing.assert_array_equal(found.map.probability, plain.map.probability)


@pytest.mark.parametrize("shape", [(63, 200), (200, 63), (1, 1)])
def test_images_smaller_than_a_window_are_refused(
    ensemble: Ensemble, shape: tuple[int, int]
) -> None:
    with pytest.raises(InputError, match=f"^image: {shape[1]} x {shape[0]} px.*64 x 64 px"):
        detect(micrograph(noise(*shape)), ensemble)


def test_stacks_are_refused(ensemble: Ensemble) -> None:
    with pytest.raises(InputError, match="stack"):
        detect(micrograph(np.zeros((2, 64, 64), np.float32)), ensemble)


def test_unknown_thresholds_devices_and_strides_are_refused(ensemble: Ensemble) -> None:
    image = micrograph(noise(64, 64))
    with pytest.raises(InputError, match=r"SF7.*Bulk, SF1"):
        detect(image, ensemble, thresholds={"SF7": 0.5})
    with pytest.raises(InputError, match="stride 0"):
        detect(image, ensemble, stride=0)
    with pytest.raises(InputError, match=r"stride 65 px .*leaves gaps between windows of 64 px"):
        detect(image, ensemble, stride=65)
    with pytest.raises(InputError, match=r"'tpu'.*cpu"):
        detect_frame(image, ensemble, device="tpu")


def test_given_thresholds_replace_those_of_the_ensemble(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    predict_with(lambda filtered, grid: np.full((3, len(grid.y), len(grid.x)), 0.6))
    image = micrograph(noise(64, 64))
    assert detect(image, ensemble).masks[:2].any(axis=(1, 2)).all()
    found = detect(image, ensemble, thresholds={"SF1": 0.7})
    assert not found.masks[0].any()
    assert found.parameters["thresholds"] == {"Bulk": 0.5, "SF1": 0.7, "Vacancy_CdTe": 0.5}


def test_results_record_their_parameters(ensemble: Ensemble) -> None:
    found = detect(micrograph(noise(64, 64)), ensemble, stride=16, frame=3)
    assert (found.image, found.frame) == ("image", 3)
    assert found.pixel_size_nm == MODEL_PX_NM
    assert found.seconds > 0
    assert found.parameters["stride_px"] == 16
    assert found.parameters["device"] == "cpu"
    assert found.parameters["pixel_size_source"] == "file"
    assert found.parameters["preprocessing"] == SPEC.preprocessing.to_dict()


def test_scale_comes_from_the_lattice_where_the_image_has_none(ensemble: Ensemble) -> None:
    for pixel_size_nm in (MODEL_PX_NM, 0.021):
        made = simulate(size=256, pixel_size_nm=pixel_size_nm, seed=1).micrograph
        bare = replace(made, pixel_size_nm=None, pixel_size_source="unknown")
        scale = match_scale(bare, SPEC.target_scale)
        assert scale.micrograph.pixel_size_nm == pytest.approx(pixel_size_nm, rel=0.02)
        assert scale.micrograph.pixel_size_source == "lattice"
        assert scale.factor == pytest.approx(pixel_size_nm / MODEL_PX_NM, rel=0.03)
        assert "from the lattice" in scale.statement
        found = detect(bare, ensemble, stride=32)
        assert found.pixel_size_nm == scale.micrograph.pixel_size_nm
        assert found.parameters["scale_statement"] == scale.statement


def test_kinds_of_the_model_decide_about_masks_and_regions(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    """The same probabilities as a line, an area and points."""

    def stripe(filtered: Any, grid: Any) -> np.ndarray:
        values = np.zeros((3, len(grid.y), len(grid.x)))
        values[0] = 0.9
        values[:, len(grid.y) // 2] = np.array([0.0, 0.9, 0.0])[:, None]
        values[:, 1, 1] = np.array([0.0, 0.9, 0.0])
        return values

    predict_with(stripe)
    image, regions = micrograph(noise(160, 200)), {}
    for kind in ("line", "area", "point"):
        own = DefectClass("SF1", kind, "own title", "#010203")
        model = replace(ensemble, spec=replace(ensemble.spec, class_data=(own,)))
        found = detect(image, model)
        assert found.class_table["SF1"] == own
        regions[kind] = [region for region in found.regions if region.class_name == "SF1"]
        assert {region.kind for region in regions[kind]} == {kind}
    # The lone window is too short for a line.
    assert [len(regions[kind]) for kind in ("line", "area", "point")] == [1, 2, 2]
    (line,) = regions["line"]
    assert line.length_px == pytest.approx(200, abs=1)
    assert line.direction_deg in (pytest.approx(0, abs=1), pytest.approx(180, abs=1))
