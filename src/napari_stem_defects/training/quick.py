"""Training of quick models: matched filters from a few clicks, in seconds and without torch."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.defect_classes import BULK, DefectClass, complete_classes
from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.base.natural_order import natural_key
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.storage import DECISIONS, site_patterns, to_arrays
from napari_stem_defects.networks.architecture import MatchedFilterArchitecture
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.column_contrast import contrast_of
from napari_stem_defects.training.evaluate import EvaluationReport
from napari_stem_defects.training.lattice_geometry import geometry_of_cells
from napari_stem_defects.training.quick_evaluation import evaluate_left_out
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    hidden_notes,
    model_from_clicks,
    prepare_image,
    scale_warnings,
)
from napari_stem_defects.training.quick_search import Found, search_prepared
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.training.spot_images import (
    window_of_clicks,
    window_outside,
    window_statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.matched_filter.model import MatchedFilterModel, Window
    from napari_stem_defects.networks.spec import TrainedContrast

_SAME_PLACE_PERIODS = 0.2


@one_blas_thread()
def train_quick(
    images: Sequence[LabelledImage],
    class_data: Sequence[DefectClass],
    options: TrainingOptions | None = None,
    *,
    report: ProgressCallback = silent,
) -> EvaluationReport:
    """Make a quick model from clicks and test it on clicks that are held out.

    Parameters
    ----------
    images : sequence of LabelledImage
        At least one.
    class_data : sequence of DefectClass
        Kinds, titles and colours of the labelled classes.
    options : TrainingOptions, optional
        Name and classes; everything else is found in the clicks and images.
    report : callable
        Receives the progress after every step.

    Returns
    -------
    EvaluationReport

    Raises
    ------
    LabelError
        If no click shows a defect, a chosen class has no click, or an image shows no lattice while
        others do, or lines or areas are to be learned from it.
    """
    started = time.perf_counter()
    options = options or TrainingOptions(recipe="quick")
    steps = len(images) + 2
    prepared, window = _prepared(images, class_data, report)
    clicks, notes = clicks_of(images, prepared, options.classes)
    notes = (*notes, *scale_warnings(images, prepared))
    if window is not None:
        count, size = sum(c.class_name != BULK for c in clicks), images[0].micrograph.pixel_size_nm
        notes = (window_statement(window, count, size), *notes)
    classes = click_classes(clicks, class_data)
    report(Progress("training", len(images), steps))
    model = model_from_clicks(prepared, clicks, classes)
    notes = (*notes, *hidden_notes(model))
    report(Progress("testing", len(images) + 1, steps))
    ensemble = quick_ensemble(model, classes, options.name, clicks)
    evaluation = evaluate_left_out(
        images,
        prepared,
        clicks,
        classes,
        quick_learner(images, prepared, classes),
        whole=_searcher(images, prepared, ensemble),
    )
    training = {
        **ensemble.spec.training,
        "choices": options.to_dict(),
        "column_contrast": _contrast_of_clicked(prepared, clicks),
        "label_set_sha256": evaluation.data.sha256(),
        "notes": list(notes),
    }
    sizes = [image.micrograph.pixel_size_nm for image in images]
    cells = [each.cell for each in prepared if each.cell is not None]
    geometry = geometry_of_cells(cells, sizes) if cells else None
    spec = replace(
        ensemble.spec,
        training=training,
        figures={"site": evaluation.to_dict()},
        lattice_geometry=geometry,
    )
    report(Progress("testing", steps, steps))
    seconds = time.perf_counter() - started
    return EvaluationReport(
        replace(ensemble, spec=spec), (evaluation,), notes=notes, seconds=seconds
    )


def _prepared(
    images: Sequence[LabelledImage], class_data: Sequence[DefectClass], report: ProgressCallback
) -> tuple[list[PreparedImage], Window | None]:
    """Prepare images, and return the window if their clicks show spots without a lattice."""
    lattices = []
    for number, image in enumerate(images):
        report(Progress("lattice", number, len(images) + 2))
        micrograph = image.micrograph
        lattices.append(measure_lattices(micrograph.pixels, micrograph.pixel_size_nm))
    window = window_of_clicks(images, lattices, class_data)
    prepared = _at_one_scale(images, window, lattices)
    if window is None and (window := window_outside(images, prepared, class_data)):
        prepared = _at_one_scale(images, window, lattices)
    return prepared, window


def _contrast_of_clicked(
    prepared: Sequence[PreparedImage], clicks: Sequence[Click]
) -> TrainedContrast | None:
    """Return whether the columns of the images with clicks are bright or dark, where clear."""
    used = sorted({click.image for click in clicks if click.class_name != BULK})
    return contrast_of([prepared[n].sharpness for n in used if prepared[n].cell is not None])


def _at_one_scale(
    images: Sequence[LabelledImage],
    window: Window | None,
    lattices: Sequence[LatticeMeasurement],
) -> list[PreparedImage]:
    """Prepare images, all at the same scale, or samples per window of spots."""
    prepared: list[PreparedImage] = []
    for image, lattice in zip(images, lattices, strict=True):
        scale = prepared[0].residual.sampled.scale if prepared else None
        prepared.append(prepare_image(image.micrograph, scale, window, lattice))
    return prepared


def quick_learner(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    classes: Sequence[DefectClass],
) -> Callable[[Sequence[Click]], Callable[[int], Found]]:
    """Return a function that makes quick models, for `quick_evaluation.evaluate_left_out`.

    Parameters
    ----------
    images : sequence of LabelledImage
    prepared : sequence of PreparedImage
        In the same order.
    classes : sequence of DefectClass
        Bulk, then the classes of the clicks by name.

    Returns
    -------
    callable
    """

    def learn(kept: Sequence[Click]) -> Callable[[int], Found]:
        model = model_from_clicks(prepared, kept, classes)
        return _searcher(images, prepared, quick_ensemble(model, classes, "part", kept))

    return learn


def _searcher(
    images: Sequence[LabelledImage], prepared: Sequence[PreparedImage], ensemble: Ensemble
) -> Callable[[int], Found]:
    """Return a function that searches the image of a number with a quick model."""
    model = quick_model(ensemble)

    def search(number: int) -> Found:
        return search_prepared(images[number].micrograph, prepared[number], model, ensemble)

    return search


def clicks_of(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    chosen: Sequence[str] = (),
) -> tuple[list[Click], tuple[str, ...]]:
    """Return the clicks of all images in samples.

    Parameters
    ----------
    images : sequence of LabelledImage
    prepared : sequence of PreparedImage
        In the same order.
    chosen : sequence of str
        Classes to learn besides Bulk; all if empty.

    Returns
    -------
    clicks : list of Click
        Of two clicks of different classes at one place only the newer one.
    notes : tuple of str
        One sentence for each click that was left out.

    Raises
    ------
    LabelError
        If a click lies outside its image, or a chosen class has no click.
    """
    clicks: list[Click] = []
    notes: list[str] = []
    for number, (image, ready) in enumerate(zip(images, prepared, strict=True)):
        _check_inside(image)
        positions = ready.residual.sampled.to_samples(np.column_stack([image.y, image.x]))
        height, width = ready.residual.shape
        positions = np.clip(positions, 0, (height - 1, width - 1))
        here = [
            Click(number, float(y), float(x), label)
            for (y, x), label in zip(positions, image.labels, strict=True)
            if not chosen or label in chosen or label == BULK
        ]
        kept = _without_contradictions(here, ready.residual.sampled.samples)
        if left_out := len(here) - len(kept):
            which = "1 click" if left_out == 1 else f"{left_out} clicks"
            notes.append(
                f"{image.micrograph.name}: {which} left out, with another class than a newer one at"
                " the same place."
            )
        clicks += kept
    found = {click.class_name for click in clicks}
    if missing := [name for name in chosen if name not in found | {BULK}]:
        raise LabelError(f"{missing[0]}: no click shows this class; check the spelling")
    if not found - {BULK}:
        raise LabelError("no click shows a defect; click at least one place that is not Bulk")
    return clicks, tuple(notes)


def _check_inside(image: LabelledImage) -> None:
    height, width = image.micrograph.frame_shape
    inside = (-0.5 <= image.y) & (image.y < height - 0.5)
    inside &= (-0.5 <= image.x) & (image.x < width - 0.5)
    for y, x in zip(image.y[~inside], image.x[~inside], strict=True):
        where = list_in_both_units((round(y, 1), round(x, 1)), image.micrograph.pixel_size_nm, ", ")
        raise LabelError(
            f"{image.micrograph.name}: the click at y, x {where} lies outside the image;"
            " remove or move it"
        )


def _without_contradictions(clicks: list[Click], samples: float) -> list[Click]:
    """Leave out clicks at whose place a newer click has another class."""
    if len(clicks) < 2:
        return clicks
    pairs = cKDTree([(c.y, c.x) for c in clicks]).query_pairs(_SAME_PLACE_PERIODS * samples)
    older = {
        min(pair) for pair in pairs if clicks[pair[0]].class_name != clicks[pair[1]].class_name
    }
    return [click for number, click in enumerate(clicks) if number not in older]


def click_classes(clicks: Sequence[Click], given: Sequence[DefectClass]) -> tuple[DefectClass, ...]:
    """Return the classes of clicks.

    Parameters
    ----------
    clicks : sequence of Click
    given : sequence of DefectClass
        Kinds, titles and colours; classes that are missing get the defaults of their names.

    Returns
    -------
    tuple of DefectClass
        Bulk first, then by name in natural order.
    """
    names = sorted({click.class_name for click in clicks} - {BULK}, key=natural_key)
    return complete_classes((BULK, *names), given)


def template_sizes(model: MatchedFilterModel) -> MatchedFilterArchitecture:
    """Return the sizes of a model, for its description.

    Parameters
    ----------
    model : MatchedFilterModel

    Returns
    -------
    MatchedFilterArchitecture
    """
    templates = tuple(len(item.templates) for item in model.classes)
    sites, views = (
        tuple(counts) if any(counts) else ()
        for counts in zip(*((len(c.sites), len(c.views)) for c in model.classes), strict=True)
    )
    window, units = model.window, model.scale.units
    return MatchedFilterArchitecture(
        model.samples,
        templates,
        len(model.negatives),
        DECISIONS,
        sites,
        views,
        site_patterns(model),
        window_px=None if window is None else window.px,
        window_nm=None if window is None else window.nm,
        units=None if units == 1 else units,
    )


def quick_ensemble(
    model: MatchedFilterModel,
    classes: Sequence[DefectClass],
    name: str,
    clicks: Sequence[Click],
) -> Ensemble:
    """Return a model as an ensemble, the form in which models are saved and used.

    Parameters
    ----------
    model : MatchedFilterModel
    classes : sequence of DefectClass
        Bulk, then the classes of the model in their order.
    name : str
    clicks : sequence of Click
        For the description.

    Returns
    -------
    Ensemble
    """
    labels = [click.class_name for click in clicks]
    counts = {each.name: labels.count(each.name) for each in classes}
    seen = "the lattice residual" if model.window is None else "spots without a lattice"
    spec = EnsembleSpec(
        name=name,
        classes=tuple(each.name for each in classes),
        class_data=tuple(classes),
        architecture=template_sizes(model),
        training={
            "recipe": "quick",
            "clicks": counts,
            "consistency": {item.name: item.consistency for item in model.classes},
            "by_anomaly": [item.name for item in model.classes if not item.templates],
        },
        description=f"Quick model from {len(labels)} clicks: matched filters on {seen}.",
    )
    return Ensemble(spec, to_arrays(model))
