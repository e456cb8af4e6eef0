"""Scores of any program's predictions against ground truth, for scripts."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.api.detect import detect
from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.base.paths import to_path
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.json_file import write_json
from napari_stem_defects.io.scoring.ground_truth import file_faults, read_ground_truth
from napari_stem_defects.io.scoring.manifest import read_manifest
from napari_stem_defects.io.scoring.predictions import Predictions, of_detection
from napari_stem_defects.scoring.image_score import UNKNOWN, ImageScore, Prediction, score_image
from napari_stem_defects.scoring.totals import totals

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.api.detect import Model
    from napari_stem_defects.io.scoring.manifest import ListedImage, Manifest


class Scores(NamedTuple):
    """Figures of a comparison with ground truth.

    Attributes
    ----------
    figures : dict
        JSON-safe: all images together, then by group and by image.
    faults : tuple of str
        One line for each file that is missing or altered, and each image without predictions.

    Examples
    --------
    >>> sd.Scores._fields
    ('figures', 'faults')
    """

    figures: dict[str, Any]
    faults: tuple[str, ...]

    def __repr__(self) -> str:
        scored = len(self.figures.get("images", ()))
        name = self.figures.get("manifest", "")
        return f"Scores({name!r}, {scored} images scored, {len(self.faults)} faults)"


def score(
    manifest: str | Path,
    predictions: str | Path | None = None,
    out: str | Path | None = None,
    *,
    data: str | Path | None = None,
    model: Model = AUTO_MODEL,
) -> Scores:
    """Score predictions of any program on the images of a manifest.

    Point defects are paired with the ground truth one to one within the tolerance of the image in
    nm. Of lines and areas, the share that the mask covers and the false area are measured. Files
    that are missing or altered are stated, and the other images scored. An image without
    predictions counts as one in which nothing was found.

    Parameters
    ----------
    manifest : str or Path
        JSON file of images, sources, checksums and ground truth.
    predictions : str or Path, optional
        CSV file with the columns ``image``, ``class``, ``y_px``, ``x_px`` and perhaps ``score``
        (probability of the class, 0 to 1), or a folder with result folders of this program, or with
        masks ``IMAGE/CLASS.tif`` or ``.png``. By default this program searches the images.
    out : str or Path, optional
        JSON file for the figures.
    data : str or Path, optional
        Folder of the listed files; by default that of the manifest.
    model : Ensemble, str or Path, default: "auto"
        What searches the images where no predictions are given, as in `detect`.

    Returns
    -------
    Scores
        Precision, recall and F1 by class with 95 % intervals, false area of masks, share of right
        names, and AUROC of the scores for "unknown".

    Raises
    ------
    InputError
        The manifest or the predictions cannot be used, or the file cannot be written.

    Examples
    --------
    >>> sd.score("manifest.json", "points.csv")
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.InputError: manifest.json: there is no such manifest; ...
    """
    path = to_path(manifest)
    listed = read_manifest(path)
    folder = path.parent if data is None else to_path(data)
    stored = None if predictions is None else Predictions(to_path(predictions), listed)
    scores, faults, others = dict[str, ImageScore](), list[str](), Counter[str]()
    for image in listed.images:
        missing = file_faults(image, folder)
        if missing:
            faults += missing
            continue
        found = _search(listed, image, folder, model) if stored is None else stored.of(image)
        if found is None:
            faults.append(f"{image.name}: no predictions for this image; it counts as all missed")
            found = Prediction(masks={})
        others.update(each for each in found.names if each not in {*listed.classes, UNKNOWN})
        scores[image.name] = score_image(read_ground_truth(listed, image, folder), found)
    figures = _figures(listed, scores, faults, "" if stored is None else str(predictions))
    figures["names_not_listed"] = dict(others)
    if out is not None:
        write_json(to_path(out), figures)
    return Scores(figures, tuple(faults))


def _search(listed: Manifest, image: ListedImage, folder: Path, model: Model) -> Prediction:
    micrograph = read(folder / image.image.path, pixel_size_nm=image.pixel_size_nm)
    if micrograph.pixels.shape[-2:] != image.shape:
        fault = f"has {micrograph.pixels.shape[-2:]} px, not the listed {image.shape}"
        raise InputError(f"{image.image.path}: {fault}; correct the manifest")
    return of_detection(listed, detect(micrograph, model))


def _figures(
    listed: Manifest, scores: dict[str, ImageScore], faults: list[str], predictions: str
) -> dict[str, Any]:
    groups: dict[str, list[ImageScore]] = defaultdict(list)
    for image in listed.images:
        if image.name in scores:
            groups[image.group].append(scores[image.name])
    return {
        "schema": 1,
        "manifest": listed.name,
        "predictions": predictions or f"napari-stem-defects {__version__}",
        "images_listed": len(listed.images),
        "all": totals(list(scores.values())),
        "groups": {name: totals(each) for name, each in groups.items()},
        "images": {name: totals([each]) for name, each in scores.items()},
        "faults": faults,
    }
