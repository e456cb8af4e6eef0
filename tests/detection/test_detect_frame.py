"""Every pixel of any image gets an answer, in the right place, or is said to have none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import predict as predict_module
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.inference.predict import pick_device, predict
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.lattice.scale import match_scale
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Architecture, Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import (
    features,
    filter_image,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows, window_grid
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.postprocessing.results import Detection
    from napari_stem_defects.preprocessing.windows import Grid

MODEL_PX_NM = 0.027
SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "Vacancy_CdTe"),
    preprocessing=PreprocessingSettings(),
    architecture=Architecture(channels=(4, 8), hidden=8),
    pixel_size_nm=MODEL_PX_NM,
    lattice_nm=0.3742,
)


def ensemble_of(spec: EnsembleSpec = SPEC) -> Ensemble:
    torch.manual_seed(0)
    return Ensemble(spec, collect_weights([[new_member(spec).eval()] for _ in spec.classes]))


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return ensemble_of()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def micrograph(
    pixels: np.ndarray, pixel_size_nm: float | None = MODEL_PX_NM, **more: Any
) -> Micrograph:
    source = "unknown" if pixel_size_nm is None else "file"
    return Micrograph(pixels, "image", pixel_size_nm, source, **more)


def detect(image: Micrograph, ensemble: Ensemble, **more: Any) -> Detection:
    return detect_frame(image, ensemble, **{"device": "cpu", "mode": "exact", **more})


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Replace the networks by a function of the flattened image and the grid."""

    def answer_by(function: Any) -> None:
        def fake(filtered: np.ndarray, ensemble: Ensemble, grid: Grid, **_: Any) -> np.ndarray:
            return function(filtered, grid).astype(np.float32)

        monkeypatch.setattr(predict_module, "predict", fake)

    return answer_by


def certain(name: str) -> Any:
    """Return answers that claim every window for one class."""

    def answer(filtered: np.ndarray, grid: Grid) -> np.ndarray:
        probability = np.zeros((3, len(grid.y), len(grid.x)))
        probability[SPEC.classes.index(name)] = 1
        return probability

    return answer


def matched(filtered: np.ndarray, grid: Grid) -> np.ndarray:
    """Answer like a matched filter: "vacancy" where a bright blob is."""
    response = gaussian_filter(filtered, 2, mode="constant")[np.ix_(grid.y, grid.x)]
    probability = np.zeros((3, *response.shape))
    probability[2] = np.clip(response / response.max(), 0, 1)
    return probability


@pytest.mark.parametrize(("radius", "wanted", "given"), [(8, 8, None), (2.5, 2, None), (2.5, 5, 5)])
def test_windows_stand_as_close_as_the_ensemble_needs(
    answering: Callable[[Any], None], radius: float, wanted: int, given: int | None
) -> None:
    answering(certain("Bulk"))
    model = ensemble_of(replace(SPEC, training={"label_radius_px": radius}))
    found = detect(micrograph(noise(81, 81)), model, stride=given)
    assert found.parameters["stride_px"] == wanted
    assert len(found.map.x) == 1 + 80 // wanted


@pytest.mark.parametrize("shape", [(64, 64), (65, 1000), (137, 91)])
@pytest.mark.parametrize("stride", [8, 13, 64])
@pytest.mark.parametrize("pixel_size_nm", [MODEL_PX_NM, 0.04, 0.02])
def test_every_pixel_gets_an_answer(
    answering: Callable[[Any], None],
    ensemble: Ensemble,
    shape: tuple[int, int],
    stride: int,
    pixel_size_nm: float,
) -> None:
    image = micrograph(noise(*shape), pixel_size_nm)
    for name, plane in (("SF1", 0), ("Vacancy_CdTe", 1)):
        answering(certain(name))
        found = detect(image, ensemble, stride=stride)
        assert found.mask_names == ("SF1", "Vacancy_CdTe", "unknown")
        assert found.masks.shape == (3, *shape)
        assert found.masks[plane].all()
        assert found.masks.sum() == np.prod(shape)
        for centres, length in ((found.map.y, shape[0]), (found.map.x, shape[1])):
            # Centres are whole px of the model: the two margins differ by one at most.
            assert centres[0] + centres[-1] == pytest.approx(
                length - 1, abs=1.1 * MODEL_PX_NM / pixel_size_nm
            )
    answering(lambda filtered, grid: np.zeros((3, len(grid.y), len(grid.x))))
    assert detect(image, ensemble, stride=stride).masks[-1].all()


@pytest.mark.parametrize("pixel_size_nm", [0.0135, 0.02, 0.0272, 0.04, 0.054])
@pytest.mark.parametrize("place", [(60.0, 90.0), (8.0, 9.0), (120.0, 171.0)])
def test_defects_are_found_where_they_are(
    answering: Callable[[Any], None],
    ensemble: Ensemble,
    pixel_size_nm: float,
    place: tuple[float, float],
) -> None:
    """Whatever the image is resampled by; positions and sizes in px of the image."""
    factor = pixel_size_nm / MODEL_PX_NM
    y, x = np.mgrid[:128, :180] - np.array(place)[:, None, None]
    pixels = 1 + np.exp(-(y**2 + x**2) / 2 / (4 / factor) ** 2) + 0.01 * noise(128, 180)
    answering(matched)
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


def test_answers_are_the_networks(ensemble: Ensemble) -> None:
    """One window at a time, cut and asked by hand."""
    pixels = noise(90, 120)
    found = detect(micrograph(pixels), ensemble, stride=24)
    flat = np.pad(filter_image(pixels, SPEC.preprocessing), 32)
    network = EnsembleNetwork(ensemble)
    for i, y in enumerate(found.map.y.astype(int)):
        for j, x in enumerate(found.map.x.astype(int)):
            seen = features(flat[None, y : y + 64, x : x + 64], SPEC.preprocessing)
            one = network.probabilities(seen)[0]
            np.testing.assert_allclose(found.map.probability[:, i, j], one, atol=1e-5)
    assert found.map.valid.all()
    assert found.map.y.tolist() == [8, 32, 56, 80]
    assert found.map.x.tolist() == [11, 35, 59, 83, 107]


def test_a_model_of_whole_patches_sees_no_border(
    answering: Callable[[Any], None], ensemble: Ensemble
) -> None:
    """It never saw a window that hangs over one, and its answers there were wrong."""
    answering(certain("SF1"))
    whole = replace(ensemble, spec=replace(SPEC, training={"label_radius_px": 0}))
    found = detect(micrograph(noise(100, 64)), whole, stride=8)
    assert found.map.y.tolist() == [34, 42, 50, 58, 66]
    assert found.map.x.tolist() == [32]
    assert found.masks[0].all()  # what the nearest window says holds up to the border


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_answers_do_not_depend_on_the_batch(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    image = micrograph(noise(80, 100))
    whole = detect(image, ensemble)
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    parts = detect(image, ensemble)
    assert np.abs(whole.map.probability - parts.map.probability).max() <= 1e-5
    np.testing.assert_array_equal(whole.masks, parts.masks)


def test_the_coarse_map_comes_first(ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding_window, "BATCH", 10)
    steps: list[Progress] = []
    flat = filter_image(noise(150, 200), SPEC.preprocessing)
    grid = window_grid((150, 200), 12)
    answers = predict(flat, ensemble, grid, report=steps.append)
    coarse = [number for number, step in enumerate(steps) if isinstance(step, CoarseMapProgress)]
    windows = len(grid.y[::4]) * len(grid.x[::4])
    assert coarse == [-(-windows // 10) - 1]
    step = steps[coarse[0]]
    assert isinstance(step, CoarseMapProgress)
    np.testing.assert_array_equal(step.probability, answers[:, ::4, ::4])
    np.testing.assert_array_equal(step.y, grid.y[::4])
    np.testing.assert_array_equal(step.x, grid.x[::4])
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert done[-1] == grid.windows
    assert {step.total for step in steps} == {grid.windows}
    assert steps[coarse[0]].done == windows


def test_predicting_is_asking_every_window(ensemble: Ensemble) -> None:
    flat = filter_image(noise(70, 90), SPEC.preprocessing)
    grid = window_grid((70, 90), 30)
    answers = predict(flat, ensemble, grid)
    y, x = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    windows = cut(pad_for_windows(flat, 64), y, x, 64)
    wanted = EnsembleNetwork(ensemble).probabilities(features(windows, SPEC.preprocessing))
    assert answers.shape == (3, len(grid.y), len(grid.x))
    np.testing.assert_allclose(answers.reshape(3, -1).T, wanted, atol=1e-5)


def test_a_report_ends_the_scan(ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding_window, "BATCH", 5)
    steps: list[Progress] = []

    def cancel(step: Progress) -> None:
        steps.append(step)
        raise Cancelled

    with pytest.raises(Cancelled):
        detect(micrograph(noise(100, 100)), ensemble, report=cancel)
    assert len(steps) == 1


# What is not there to be judged.


@pytest.mark.parametrize("value", [-4.0, 0.0, 3.0])
@pytest.mark.parametrize("settings", [PreprocessingSettings(), PreprocessingSettings.paper()])
def test_blank_images_get_no_call(value: float, settings: PreprocessingSettings) -> None:
    ensemble = ensemble_of(replace(SPEC, preprocessing=settings))
    found = detect(micrograph(np.full((80, 90), value, np.float32)), ensemble)
    assert not found.map.valid.any()
    assert not found.map.probability.any()
    assert not found.masks.any()
    assert not found.regions


def test_vacuum_gets_no_call(answering: Callable[[Any], None], ensemble: Ensemble) -> None:
    pixels = noise(128, 200)
    pixels[:, 100:] = 0.5
    answering(certain("SF1"))
    found = detect(micrograph(pixels), ensemble)
    valid = found.map.valid
    assert valid[:, found.map.x < 96].all()
    assert not valid[:, found.map.x > 160].any()
    assert not found.masks[:, :, 165:].any()


@pytest.mark.parametrize("pixel_size_nm", [MODEL_PX_NM, 0.04, 0.02])
def test_invalid_pixels_get_no_call(
    answering: Callable[[Any], None], ensemble: Ensemble, pixel_size_nm: float
) -> None:
    pixels, invalid = noise(128, 160), np.zeros((128, 160), bool)
    invalid[40:100, 50:110] = True
    pixels[invalid] = np.median(pixels)
    answering(certain("SF1"))
    found = detect(micrograph(pixels, pixel_size_nm, invalid=invalid), ensemble)
    assert not found.masks[:, invalid].any()
    inner = np.zeros_like(invalid)
    inner[60:80, 70:90] = True
    rows, columns = (axis.astype(int) for axis in (found.map.y, found.map.x))
    assert not found.map.valid[inner[np.ix_(rows.clip(0), columns.clip(0))]].any()
    assert found.map.valid[0].all()
    assert found.masks[0, :, 140:].all()


def test_single_invalid_pixels_cost_only_themselves(
    answering: Callable[[Any], None], ensemble: Ensemble
) -> None:
    invalid = np.zeros((100, 100), bool)
    invalid[::30, ::30] = True
    answering(certain("SF1"))
    found = detect(micrograph(noise(100, 100), invalid=invalid), ensemble)
    assert found.map.valid.all()
    np.testing.assert_array_equal(found.masks[0], ~invalid)


@pytest.mark.parametrize("settings", [PreprocessingSettings(), PreprocessingSettings.paper()])
def test_a_hot_pixel_does_not_blank_the_image(settings: PreprocessingSettings) -> None:
    pixels = noise(128, 128)
    pixels[64, 64] = 50
    ensemble = ensemble_of(replace(SPEC, preprocessing=settings))
    assert detect(micrograph(pixels), ensemble).map.valid.all()


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
def test_any_intensities_get_numbers(ensemble: Ensemble, pixels: np.ndarray) -> None:
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
    with pytest.raises(InputError, match=f"^image: {shape[0]}x{shape[1]} px.*64x64 px$"):
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
    with pytest.raises(InputError, match="stride 65 px leaves gaps between windows of 64 px"):
        detect(image, ensemble, stride=65)
    with pytest.raises(InputError, match=r"'tpu'.*cpu"):
        detect_frame(image, ensemble, device="tpu")


def test_thresholds_replace_the_ensembles(
    answering: Callable[[Any], None], ensemble: Ensemble
) -> None:
    answering(lambda filtered, grid: np.full((3, len(grid.y), len(grid.x)), 0.6))
    image = micrograph(noise(64, 64))
    assert detect(image, ensemble).masks[:2].any(axis=(1, 2)).all()
    found = detect(image, ensemble, thresholds={"SF1": 0.7})
    assert not found.masks[0].any()
    assert found.parameters["thresholds"] == {"Bulk": 0.5, "SF1": 0.7, "Vacancy_CdTe": 0.5}


def test_results_say_how_they_were_made(ensemble: Ensemble) -> None:
    found = detect(micrograph(noise(64, 64)), ensemble, stride=16, frame=3)
    assert (found.image, found.frame) == ("image", 3)
    assert found.pixel_size_nm == MODEL_PX_NM
    assert found.seconds > 0
    assert found.parameters["stride_px"] == 16
    assert found.parameters["device"] == "cpu"
    assert found.parameters["pixel_size_source"] == "file"
    assert found.parameters["preprocessing"] == SPEC.preprocessing.to_dict()


# Scale.


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


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("file", "from the file"),
        ("user", "as given"),
        ("simulation", "from the simulation"),
        ("lattice", "from the lattice"),
    ],
)
@pytest.mark.parametrize("pixel_size_nm", [MODEL_PX_NM, 0.04])
def test_the_statement_says_where_the_scale_is_from(
    source: Any, words: str, pixel_size_nm: float
) -> None:
    image = micrograph(noise(64, 64)).with_pixel_size(pixel_size_nm, source)
    statement = match_scale(image, SPEC.target_scale).statement
    assert words in statement
    assert statement.startswith("Resampled") == (pixel_size_nm != MODEL_PX_NM)


def test_simulated_images_have_the_simulations_scale() -> None:
    assert (
        "from the simulation"
        in match_scale(simulate(size=64).micrograph, SPEC.target_scale).statement
    )


@pytest.mark.parametrize(
    ("image", "spec", "words"),
    [
        (micrograph(noise(100, 100), None), SPEC, "no lattice"),
        (micrograph(noise(100, 100), None), replace(SPEC, lattice_nm=None), "no lattice"),
        (micrograph(noise(100, 100), 0.1), replace(SPEC, pixel_size_nm=None), "no pixel size"),
    ],
)
def test_without_a_scale_images_are_used_as_they_are(
    image: Micrograph, spec: EnsembleSpec, words: str
) -> None:
    scale = match_scale(image, spec.target_scale)
    assert scale.factor == 1
    assert words in scale.statement
    assert scale.micrograph.pixel_size_nm == image.pixel_size_nm


@pytest.mark.parametrize(
    ("pixel_size_nm", "size", "fault"),
    [(2.0, 2000, "too far"), (0.001, 2000, "too far"), (0.01, 64, "half a window")],
)
def test_hopeless_scales_are_refused(pixel_size_nm: float, size: int, fault: str) -> None:
    image = micrograph(np.zeros((size, size), np.float32), pixel_size_nm)
    with pytest.raises(InputError, match=fault):
        match_scale(image, SPEC.target_scale)


def test_devices() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device() in ("cuda", "mps", "cpu")
