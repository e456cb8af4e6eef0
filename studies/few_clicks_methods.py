"""Methods of the benchmark with few clicks behind one interface.

A method learns one class from clicks in one image and finds it in another: a mask for lines and
areas, positions for points. Methods that need examples of the perfect crystal get bulk clicks.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from random_forest import train_forest
from scipy import ndimage
from skimage.feature import match_template, multiscale_basic_features

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.io.models.model_file import save_model
from napari_stem_defects.training.pipeline import train as train_ensemble

if TYPE_CHECKING:
    from few_clicks_tasks import Click, Kind

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FOREST_TREES = 40
ALIGNMENTS = 3


class Teaching(NamedTuple):
    """What a method may learn from: an image, its period, clicks of one class, bulk clicks."""

    micrograph: sd.Micrograph
    period_px: float
    kind: Kind
    class_name: str
    clicks: tuple[Click, ...]
    bulk: tuple[Click, ...]


@dataclass(frozen=True)
class Found:
    """Mask (Y, X) and positions (N, 2) of the class in the target, and seconds."""

    mask: Mask
    points: Array
    learning_s: float
    search_s: float


Method = Callable[[Teaching, sd.Micrograph], Found]


class TrainedModel:
    """``train --recipe`` and ``detect`` as a user runs them."""

    def __init__(self, recipe: str, *, bulk: bool) -> None:
        self.recipe, self.bulk = recipe, bulk

    def __call__(self, taught: Teaching, target: sd.Micrograph) -> Found:
        """Train in a temporary folder, load the model file, detect."""
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "clicks"
            with sd.LabelProject.create(project) as labels:
                labels.add_class(taught.class_name, kind=taught.kind)
                image = labels.add_image(taught.micrograph)
                for click in (*taught.clicks, *(taught.bulk if self.bulk else ())):
                    labels.add(image, click.y, click.x, click.class_name)
            model = Path(folder) / "model.safetensors"
            started = time.perf_counter()
            self.train(project, model)
            learned = time.perf_counter()
            detection = sd.detect(target, model)
        searched = time.perf_counter()
        regions = [each for each in detection.regions if each.class_name == taught.class_name]
        points = np.array([(each.y_px, each.x_px) for each in regions], float).reshape(-1, 2)
        mask = detection.masks[detection.mask_names.index(taught.class_name)].astype(bool)
        return Found(mask, points, learned - started, searched - learned)

    def train(self, project: Path, model: Path) -> None:
        """Train on a label project and write the model file."""
        sd.train([project], model, _options(self.recipe))


class TrainedFromScratch(TrainedModel):
    """Networks that start from random weights, as `train` makes them of many labels.

    With few clicks `train` starts from `any-crystal` instead, so the training is called itself.
    """

    def train(self, project: Path, model: Path) -> None:
        """Train on a label project and write the model file."""
        options = _options(self.recipe)
        data = read_training_data([project], kinds=options.kinds)
        save_model(train_ensemble(data, options).ensemble, model)


def _options(recipe: str) -> sd.TrainingOptions:
    chosen: dict[str, Any] = {"recipe": recipe}
    return sd.TrainingOptions(name="few clicks", **chosen)


def general_model(taught: Teaching, target: sd.Micrograph) -> Found:
    """Detect with the bundled model for any crystal, which needs no label.

    All its defects of the kind count, whatever their names.
    """
    started = time.perf_counter()
    detection = sd.detect(target, GENERAL_MODEL)
    kinds = {each.class_name: each.kind for each in detection.regions}
    names = [name for name in detection.mask_names if kinds.get(name) == taught.kind]
    mask = np.zeros(target.frame_shape, bool)
    for name in names:
        mask |= detection.masks[detection.mask_names.index(name)].astype(bool)
    points = [(each.y_px, each.x_px) for each in detection.regions if each.class_name in names]
    searched = time.perf_counter() - started
    return Found(mask, np.array(points, float).reshape(-1, 2), 0.0, searched)


def plain_matched_filter(taught: Teaching, target: sd.Micrograph) -> Found:
    """Normalised cross-correlation with the mean of the patches at the clicks.

    Each click moves to where it correlates best with the others, by up to a quarter of a period
    (points) or half a period. The threshold is half-way between the 0.9 quantile of the local
    maxima of the image with the clicks and the median correlation of a click with the mean of the
    others (1 for a single click).
    """
    started = time.perf_counter()
    period = taught.period_px
    first = _without_background(taught.micrograph, period)
    template, agreement = _aligned_mean(first, taught)
    correlation = match_template(first, template, pad_input=True)
    radius = 0.35 * period
    usual = float(np.quantile(correlation[_local_maxima(correlation, radius)], 0.9))
    limit = 0.5 * (usual + agreement)
    learned = time.perf_counter()
    second = _without_background(target, period)
    correlation = match_template(second, template, pad_input=True)
    peaks = _local_maxima(correlation, radius) & (correlation > limit)
    mask = correlation > limit
    if taught.kind != "point" and peaks.any():
        mask = ndimage.distance_transform_edt(~peaks) <= 0.75 * period
    return Found(
        mask,
        np.argwhere(peaks).astype(np.float64),
        learned - started,
        time.perf_counter() - learned,
    )


def _aligned_mean(
    image: NDArray[np.float32], taught: Teaching
) -> tuple[NDArray[np.float32], float]:
    """Return the mean of the aligned patches, and how well a patch agrees with the others."""
    period = taught.period_px
    reach = int(np.ceil(1.5 * period))
    most = max(1, round((0.25 if taught.kind == "point" else 0.5) * period))
    places = [(click.y, click.x) for click in taught.clicks]
    patches = np.stack([_patch(image, place, reach) for place in places])
    if len(places) == 1:
        return patches[0], 1.0
    for _ in range(ALIGNMENTS):
        for number, click in enumerate(taught.clicks):
            rest = (patches.sum(0) - patches[number]) / (len(patches) - 1)
            wide = _patch(image, (click.y, click.x), reach + most)
            agreement = match_template(wide, rest)
            y, x = np.unravel_index(int(agreement.argmax()), agreement.shape)
            patches[number] = _patch(image, (click.y + y - most, click.x + x - most), reach)
    total = patches.sum(0)
    scores = [np.corrcoef(patch.ravel(), (total - patch).ravel())[0, 1] for patch in patches]
    return total / len(patches), float(np.median(scores))


def _without_background(micrograph: sd.Micrograph, period: float) -> NDArray[np.float32]:
    pixels = np.nan_to_num(micrograph.frame(0).pixels.astype(np.float32))
    background = ndimage.gaussian_filter(pixels, 1.5 * period)
    return ndimage.gaussian_filter(pixels - background, 0.12 * period)


def _patch(
    image: NDArray[np.float32], place: tuple[float, float], reach: int
) -> NDArray[np.float32]:
    steps = np.arange(-reach, reach + 1)
    grid = np.broadcast_arrays(place[0] + steps[:, None], place[1] + steps)
    patch: NDArray[np.float32] = ndimage.map_coordinates(image, grid, order=1, mode="reflect")
    return patch


def _local_maxima(values: NDArray[np.floating[Any]], radius: float) -> Mask:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(values == ndimage.maximum_filter(values, size))


def pixel_forest(taught: Teaching, target: sd.Micrograph) -> Found:
    """Random forest on multiscale filters of single pixels, painted around clicks.

    Pixels within 0.35 period of a click are positive, pixels within a period of a bulk click
    negative, as painted in ilastik (Berg et al., Nature Methods 16, 1226, 2019).
    """
    started = time.perf_counter()
    period = taught.period_px
    first = _features(taught.micrograph, period)
    positive = _painted(taught.clicks, first.shape[:2], 0.35 * period)
    negative = _painted(taught.bulk, first.shape[:2], period) & ~positive
    used = positive | negative
    forest = train_forest(first[used], positive[used], FOREST_TREES, seed=0)
    learned = time.perf_counter()
    second = first if target is taught.micrograph else _features(target, period)
    probability = forest.predict(second.reshape(-1, second.shape[-1])).reshape(second.shape[:2])
    smooth = ndimage.gaussian_filter(probability, 0.15 * period)
    mask = smooth >= 0.5
    peaks = _local_maxima(smooth, 0.5 * period) & mask
    numbered, count = ndimage.label(peaks, np.ones((3, 3)))
    points = np.array(ndimage.center_of_mass(peaks, numbered, range(1, count + 1)), float)
    searched = time.perf_counter()
    return Found(mask, points.reshape(-1, 2), learned - started, searched - learned)


def _features(micrograph: sd.Micrograph, period: float) -> NDArray[np.float32]:
    pixels = np.nan_to_num(micrograph.frame(0).pixels.astype(np.float32))
    scaled = (pixels - pixels.mean()) / max(float(pixels.std()), 1e-9)
    features: NDArray[np.float32] = multiscale_basic_features(
        scaled,
        sigma_min=max(0.5, period / 16),
        sigma_max=2 * period,
        num_sigma=6,
        workers=1,
    ).astype(np.float32)
    return features


def _painted(clicks: tuple[Click, ...], shape: tuple[int, int], radius: float) -> Mask:
    y, x = np.indices(shape)
    mask = np.zeros(shape, bool)
    for click in clicks:
        mask |= (y - click.y) ** 2 + (x - click.x) ** 2 <= radius**2
    return mask


METHODS: dict[str, Method] = {
    "quick": TrainedModel("quick", bulk=False),
    "matched-filter": plain_matched_filter,
    "forest": pixel_forest,
    "few": TrainedModel("few", bulk=True),
    "scratch": TrainedFromScratch("suited", bulk=True),
    "any-crystal": general_model,
}
