"""How well programs find defects of which they were shown a few, for scripts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from napari_stem_defects.api.detect import detect
from napari_stem_defects.api.models import load_model
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.base.paths import to_path
from napari_stem_defects.base.progress import Progress, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.json_file import write_json
from napari_stem_defects.io.scoring import click_tables
from napari_stem_defects.io.scoring.ground_truth import file_faults, read_ground_truth
from napari_stem_defects.io.scoring.manifest import read_manifest
from napari_stem_defects.io.scoring.predictions import of_detection
from napari_stem_defects.scoring.few_clicks import (
    Clicks,
    draw_clicks,
    left_to_find,
    only_points,
)
from napari_stem_defects.scoring.image_score import Prediction, score_image
from napari_stem_defects.scoring.totals import totals
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_images import LabelledImage
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.io.scoring.manifest import ListedImage, Manifest
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.scoring.image_score import GroundTruth, ImageScore

Recipe = Literal["quick", "few"]
SAME, OTHER = "same_image", "other_group"


class ClickScores(NamedTuple):
    """Figures by the number of clicks.

    Attributes
    ----------
    figures : dict
        JSON-safe: under ``curves`` the figures of the rest of the clicked image (``same_image``)
        and of an image of another group (``other_group``), by number of clicks; under ``refused``
        why nothing was learned, and how often.
    faults : tuple of str
        One line for each file that is missing or altered.

    Examples
    --------
    >>> sd.ClickScores._fields
    ('figures', 'faults')
    """

    figures: dict[str, Any]
    faults: tuple[str, ...]

    def __repr__(self) -> str:
        keys = ", ".join(self.figures)
        return f"ClickScores(figures: {keys}; {len(self.faults)} faults)"


def score_clicks(
    manifest: str | Path,
    clicks: Sequence[int],
    predictions: str | Path | None = None,
    out: str | Path | None = None,
    *,
    data: str | Path | None = None,
    recipe: Recipe = "quick",
    report: ProgressCallback | None = None,
) -> ClickScores:
    """Score what is found after a few clicks on known defects.

    In each image of the manifest in turn, k defects of each class of points are clicked. What is
    found in the rest of this image is scored, without the clicked defects, and what is found in
    an image of another group, of which each has its turn.

    Parameters
    ----------
    manifest : str or Path
        JSON file of images, sources, checksums and ground truth.
    clicks : sequence of int
        Numbers of clicks on each class.
    predictions : str or Path, optional
        CSV file of another program that was given the clicks of `write_clicks`, with the columns
        ``clicked_image``, ``clicks``, ``image``, ``class``, ``y_px``, ``x_px``. By default this
        program learns from the clicks and searches.
    out : str or Path, optional
        JSON file for the figures.
    data : str or Path, optional
        Folder of the listed files; by default that of the manifest.
    recipe : {"quick", "few"}, default: "quick"
        How this program learns from the clicks, as in `train`.
    report : callable, optional
        Function that is called with a `Progress` after every image.

    Returns
    -------
    ClickScores
        Precision, recall and F1 by class with 95 % intervals.

    Raises
    ------
    InputError
        The manifest, the predictions or a number of clicks cannot be used, or the file cannot be
        written.

    Examples
    --------
    >>> sd.score_clicks("manifest.json", [1, 3, 7])
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.InputError: manifest.json: there is no such manifest; ...
    """
    images, report = _Images.of(manifest, data), report or silent
    given = None
    if predictions is not None:
        given = click_tables.read_found(to_path(predictions), images.manifest)
    scores: dict[tuple[str, int], list[ImageScore]] = defaultdict(list)
    refused = dict[str, int]()
    for done, task in enumerate(tasks := list(images.tasks(clicks))):
        report(Progress("clicking", done, len(tasks)))
        found = _Given(given, task) if given is not None else _Own(images, task, recipe)
        for place, image in ((SAME, task.image), (OTHER, task.other)):
            if image is not None:
                scores[place, task.clicks.count].append(_score(images, task, image, found))
        if found.refusal:
            refused[found.refusal] = refused.get(found.refusal, 0) + 1
    report(Progress("clicking", len(tasks), max(1, len(tasks))))
    own = f"napari-stem-defects {__version__}, recipe {recipe}"
    figures = {
        "schema": 1,
        "manifest": images.manifest.name,
        "predictions": own if predictions is None else str(predictions),
        "clicks": sorted(set(clicks)),
        "draws": len(tasks),
        "curves": {
            place: {
                str(count): {name: totals(found)[name] for name in ("images", "points")}
                for (at, count), found in sorted(scores.items())
                if at == place
            }
            for place in (SAME, OTHER)
        },
        "refused": refused,
        "faults": list(images.faults),
    }
    if out is not None:
        write_json(to_path(out), figures)
    return ClickScores(figures, tuple(images.faults))


def write_clicks(
    manifest: str | Path, clicks: Sequence[int], out: str | Path, *, data: str | Path | None = None
) -> tuple[str, ...]:
    """Write the clicks of `score_clicks` for another program.

    Parameters
    ----------
    manifest : str or Path
        JSON file of images, sources, checksums and ground truth.
    clicks : sequence of int
        Numbers of clicks on each class.
    out : str or Path
        CSV file: image, number of clicks, class and position of each click, and the image that is
        searched besides the clicked one.
    data : str or Path, optional
        Folder of the listed files; by default that of the manifest.

    Returns
    -------
    tuple of str
        One line for each file that is missing or altered.

    Raises
    ------
    InputError
        The manifest or a number of clicks cannot be used, or the file cannot be written.

    Examples
    --------
    >>> sd.write_clicks("manifest.json", [1, 3, 7], "clicks.csv")
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.InputError: manifest.json: there is no such manifest; ...
    """
    images = _Images.of(manifest, data)
    drawn = [
        (task.image.name, task.clicks, task.other.name if task.other else "")
        for task in images.tasks(clicks)
    ]
    click_tables.write_clicks(to_path(out), drawn)
    return tuple(images.faults)


@dataclass(frozen=True)
class _Task:
    """An image with clicks, and the other image that is searched."""

    image: ListedImage
    clicks: Clicks
    other: ListedImage | None


@dataclass(frozen=True)
class _Images:
    """The images of a manifest whose files are as listed, with their ground truth."""

    manifest: Manifest
    folder: Path
    known: Mapping[str, GroundTruth]
    faults: tuple[str, ...]

    @classmethod
    def of(cls, manifest: str | Path, data: str | Path | None) -> _Images:
        path = to_path(manifest)
        listed = read_manifest(path)
        folder = path.parent if data is None else to_path(data)
        known, faults = dict[str, "GroundTruth"](), list[str]()
        for image in listed.images:
            if missing := file_faults(image, folder):
                faults += missing
            else:
                known[image.name] = read_ground_truth(listed, image, folder)
        return cls(listed, folder, known, tuple(faults))

    def tasks(self, counts: Sequence[int]) -> Iterator[_Task]:
        """Yield the tasks image by image, so that each image is read once."""
        if not counts or min(counts) < 1:
            raise InputError(
                f"clicks {list(counts)}: give whole numbers from 1 on, such as 1, 3, 7"
            )
        for image in self._there():
            for count in sorted(set(counts)):
                clicks = draw_clicks(self.known[image.name], image.name, count)
                if clicks is not None:
                    yield _Task(image, clicks, self._next(image, clicks))

    def _there(self) -> list[ListedImage]:
        return [each for each in self.manifest.images if each.name in self.known]

    def _next(self, image: ListedImage, clicks: Clicks) -> ListedImage | None:
        """Return an image of another group with a clicked class; each in turn."""
        images = self._there()
        place = [each for each in images if each.group == image.group].index(image)
        others = [
            each
            for each in images
            if each.group != image.group and set(each.classes) & set(clicks.defects)
        ]
        return others[place % len(others)] if others else None

    def read(self, image: ListedImage) -> Micrograph:
        return read(self.folder / image.image.path, pixel_size_nm=image.pixel_size_nm)


class _Given:
    """What another program found."""

    refusal = ""

    def __init__(self, found: Mapping[tuple[str, int, str], Prediction], task: _Task) -> None:
        self._found, self._task = found, task

    def of(self, image: ListedImage) -> Prediction:
        key = self._task.image.name, self._task.clicks.count, image.name
        return self._found.get(key, Prediction())


class _Own:
    """What this program finds; a refusal to learn from the clicks counts as all missed."""

    def __init__(self, images: _Images, task: _Task, recipe: Recipe) -> None:
        self._images, self.refusal = images, ""
        self._model: Ensemble | None = None
        micrograph = images.read(task.image)
        try:
            self._model = _learned(micrograph, task.clicks, recipe)
        except InputError as error:
            self.refusal = str(error).removeprefix(f"{micrograph.name}: ")

    def of(self, image: ListedImage) -> Prediction:
        if self._model is None:
            return Prediction()
        found = detect(self._images.read(image), self._model)
        return of_detection(self._images.manifest, found)


def _learned(micrograph: Micrograph, clicks: Clicks, recipe: Recipe) -> Ensemble:
    places = [(name, y, x) for name, each in clicks.places.items() for y, x in each]
    names, y, x = zip(*places, strict=True)
    labelled = LabelledImage(micrograph.frame(0), np.array(y), np.array(x), names)
    options = TrainingOptions(name="clicks", recipe=recipe)
    if recipe == "quick":
        return train_quick([labelled], (), options).ensemble
    from napari_stem_defects.inference.predict import pick_device
    from napari_stem_defects.training.few_label_training import train_from_few

    # The scores are the evaluation.
    learned = train_from_few(
        *([labelled], (), load_model(GENERAL_MODEL), options),
        evaluated=False,
        device=pick_device("auto"),
    )
    return learned.ensemble


def _score(images: _Images, task: _Task, image: ListedImage, found: _Given | _Own) -> ImageScore:
    known = only_points(images.known[image.name], list(task.clicks.defects))
    prediction = found.of(image)
    if image is task.image:
        known, prediction = left_to_find(known, prediction, task.clicks)
    return score_image(known, replace(prediction, masks=None))
