"""Functions that worker processes run; arguments and results cross process boundaries.

Each function belongs to a `Task` in `registry` and takes the fields of its arguments and
``report``. Torch and the file libraries are imported inside the functions, so that the quick
worker never pays for torch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import BULK, DefectClass, complete_classes
from napari_stem_defects.base.progress import Progress, ProgressCallback
from napari_stem_defects.detection.cutout import Cutout
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.frame_result import FrameResult, provenance_of
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.kept_models import kept_model
from napari_stem_defects.jobs.corrections import Correction, apply_corrections
from napari_stem_defects.jobs.progressive_results import ProgressiveResults
from napari_stem_defects.lattice import measurement, power_spectrum
from napari_stem_defects.lattice.scale import (
    ScaleMatch,
    match_scale,
)
from napari_stem_defects.networks.architecture import finds_spots
from napari_stem_defects.preprocessing.pipeline import (
    Stages,
    stages,
)
from napari_stem_defects.workers.helpers import helpers_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.detection.contrast import ContrastChoice
    from napari_stem_defects.io.models.choose import LibraryChoice
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.jobs.live_map import PreparedFrames
    from napari_stem_defects.jobs.live_map_request import LiveMap, LiveMapRequest
    from napari_stem_defects.jobs.training_summary import TrainingSummary
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.simulation.synthetic_edits import SyntheticDefects
    from napari_stem_defects.training.active_learning import Suggestion
    from napari_stem_defects.training.recipes import TrainingOptions


_QUICK_SCALE = "A quick model samples every image by its own lattice; it needs no pixel size."
_SPOT_SCALE = (
    "This model seeks spots without a lattice: as large in nm as where they were clicked, or in px"
    " without a pixel size."
)


def load_torch(*, report: ProgressCallback) -> None:
    """Import torch, which takes seconds, before it is needed."""
    import_module("napari_stem_defects.inference.predict")


def explain_scale(*, frame: FrameInput, spec: EnsembleSpec, report: ProgressCallback) -> ScaleMatch:
    """Return how a frame would be resampled for a model, without the pixels."""
    if spec.is_quick:
        known = _SPOT_SCALE if finds_spots(spec.architecture) else _QUICK_SCALE
        scale = ScaleMatch(frame.micrograph(), 1.0, known)
    else:
        scale = match_scale(frame.micrograph(), spec.target_scale)
    bare = replace(scale.micrograph, pixels=np.zeros((0, 0), np.float32), invalid=None)
    return replace(scale, micrograph=bare)


def choose_model(
    *, frame: FrameInput, entries: Sequence[ModelEntry], report: ProgressCallback
) -> LibraryChoice:
    """Choose the model whose lattice fits a frame, and that recognises it."""
    from napari_stem_defects.io.models.choose import choose_from_library

    return choose_from_library(frame.micrograph(), entries)


def compute_stages(
    *, pixels: NDArray[np.float32], settings: PreprocessingSettings, report: ProgressCallback
) -> Stages:
    """Compute the five stages of a frame."""
    return stages(pixels, settings)


def measure_lattice(
    *, pixels: NDArray[np.float32], report: ProgressCallback
) -> power_spectrum.Lattice | None:
    """Find the lattice of a frame."""
    return power_spectrum.measure_lattice(pixels)


def measure_lattices(*, frame: FrameInput, report: ProgressCallback) -> LatticeMeasurement:
    """Measure the unit cells of a frame."""
    micrograph = frame.micrograph()
    return measurement.measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)


def detect(
    *,
    frame: FrameInput,
    index: int,
    model: Path,
    stride: int,
    thresholds: Mapping[str, float],
    device: str,
    area: SearchArea | None = None,
    choice: str = "",
    contrast: ContrastChoice = "auto",
    report: ProgressCallback,
) -> FrameResult:
    """Find the defects of a frame; report partial results as `PartialResultProgress`."""
    micrograph = frame.micrograph()
    report(Progress("loading the model", 0, 1))
    ensemble = kept_model(model)
    spec = ensemble.spec
    scaled = match_scale(micrograph, spec.target_scale).micrograph
    cutout = Cutout.of(scaled, area, spec)
    limits = {name: spec.threshold(name) for name in spec.classes} | dict(thresholds)
    about: dict[str, Any] = {"stride_px": stride, "thresholds": limits}
    if area is not None:
        about["area_px"] = area.to_json()
    provenance = provenance_of(micrograph, ensemble)
    refinement = ProgressiveResults(report, cutout, spec, index, about, provenance)
    with helpers_for(cutout.part.pixels):
        found = detect_frame(
            cutout.part,
            ensemble,
            stride=stride,
            thresholds=thresholds,
            device=device,
            frame=index,
            choice=choice,
            contrast=contrast,
            report=refinement.report,
            watch=refinement.watch,
        )
    return replace(cutout.result(found), provenance=provenance)


def survey(*, frame: FrameInput, index: int, report: ProgressCallback) -> Survey:
    """Find what is unusual in a frame, without any label."""
    from napari_stem_defects.anomaly.survey_frame import survey_frame

    report(Progress("looking for unusual places", 0, 1))
    return survey_frame(frame.micrograph(), frame=index)


def apply_thresholds(
    *,
    result: FrameResult,
    thresholds: Mapping[str, float],
    corrections: Sequence[Correction] = (),
    report: ProgressCallback,
) -> FrameResult:
    """Apply other thresholds, and a person's corrections, to the probabilities of a result."""
    return apply_corrections(result.with_thresholds(thresholds), corrections)


def export_results(
    *,
    results: Sequence[FrameResult],
    thresholds: Mapping[str, float],
    image: FrameInput,
    folder: Path,
    overwrite: bool = False,
    corrections: Sequence[Correction] = (),
    report: ProgressCallback,
) -> Path:
    """Write the result files of an image and return their folder."""
    from napari_stem_defects.io.results.available_folder import available_folder
    from napari_stem_defects.io.results.image_copy import kept_image
    from napari_stem_defects.io.results.result_folder import write_results

    detections = []
    for done, result in enumerate(results):
        report(Progress("writing results", done, len(results)))
        detections.append(
            apply_corrections(result.with_thresholds(thresholds), corrections).detection()
        )
    micrograph, provenance = image.micrograph(), results[0].provenance
    if not micrograph.is_stack and micrograph.sha256 != provenance["image"]["sha256"]:
        raise InputError(f"{micrograph.name}: the image has changed since; run again")
    with kept_image(micrograph, partial(available_folder, folder)) as kept:
        return write_results(folder, kept, detections, provenance["model"], overwrite=overwrite)


def save_results(
    *,
    source: Path,
    thresholds: Mapping[str, float],
    corrections: Sequence[Correction],
    out: Path | None = None,
    fingerprints: Sequence[str] = (),
    images: Sequence[Path | None] = (),
    report: ProgressCallback,
) -> Path:
    """Write opened results with other thresholds and corrections and return their folder."""
    from napari_stem_defects.jobs.save_results import save_results as save

    kept: dict[str, Any] = {"out": out, "fingerprints": fingerprints, "images": images}
    return save(source, thresholds, corrections, **kept, report=report)


def export_survey(
    *, survey: Survey, image: FrameInput, folder: Path, report: ProgressCallback
) -> Path:
    """Write the files of a survey and return their folder."""
    from napari_stem_defects.io.results.image_copy import kept_image
    from napari_stem_defects.io.results.survey_folder import folder_of_survey, write_survey

    report(Progress("writing the survey", 0, 1))
    with kept_image(image.micrograph(), partial(folder_of_survey, folder)) as kept:
        return write_survey(folder, kept, [survey])


def count_labels(*, sources: Sequence[Path], report: ProgressCallback) -> dict[DefectClass, int]:
    """Count the labels of each class in label projects and patch folders, Bulk first.

    The first source that gives a class decides about its kind, title and colour.
    """
    from napari_stem_defects.io.labels.patch_folder import read_patch_folder
    from napari_stem_defects.io.labels.project import LabelProject, is_label_project

    counts = Counter[str]()
    classes: list[DefectClass] = []
    for done, source in enumerate(sources):
        report(Progress("counting labels", done, len(sources)))
        if is_label_project(source):
            with LabelProject.open(source, read_only=True) as project:
                counts.update(project.counts())
                classes += [entry.defect_class for entry in project.classes]
        else:
            folder = read_patch_folder(source)
            counts.update(folder.classes)
            classes += folder.class_data
    names = sorted(counts, key=lambda name: (name != BULK, name))
    return {each: counts[each.name] for each in complete_classes(names, reversed(classes))}


def train(
    *,
    sources: Sequence[Path],
    out: Path,
    options: TrainingOptions,
    device: str,
    keep: bool = False,
    report: ProgressCallback,
) -> TrainingSummary:
    """Train an ensemble on labelled data and write its model file, report and card."""
    from napari_stem_defects.jobs.train_job import train_model

    return train_model(sources, out, options, keep=keep, device=device, report=report)


def import_labels(
    *,
    project: Path,
    sources: Sequence[Path],
    images: Sequence[Path | FrameInput],
    report: ProgressCallback,
) -> str:
    """Import patch folders and files of labels into a label project; return a summary.

    The first image is the one shown: patches and labels that name no image belong to it, and those
    of a file that names none of the images, if it is a file of one image.
    """
    from napari_stem_defects.io.labels.exchange import labels_import
    from napari_stem_defects.io.labels.image_owners import NoOwnerError
    from napari_stem_defects.io.labels.label_files import names_images
    from napari_stem_defects.io.labels.label_formats import is_label_file
    from napari_stem_defects.workers.isolated_read import read_micrograph, read_patches

    def run(owners: Sequence[Path | FrameInput]) -> str:
        done = labels_import(
            project,
            sources,
            [each if isinstance(each, Path) else each.micrograph() for each in owners],
            report,
            read_image=read_micrograph,
            read_patches=read_patches,
        )
        return done.text()

    named = any(is_label_file(each) and names_images(each) for each in sources)
    try:
        return run(images if named else images[:1])
    except NoOwnerError:
        return run(images[:1])


def export_labels(*, project: Path, out: Path, report: ProgressCallback) -> int:
    """Write a label project's patches and return how many there are."""
    from napari_stem_defects.io.labels.exchange import labels_export

    return labels_export(project, out, report)


def suggest_labels(
    *,
    frame: FrameInput,
    model: Path,
    taken: Sequence[tuple[float, float]],
    device: str,
    report: ProgressCallback,
) -> list[Suggestion]:
    """Choose windows of a frame that are worth a label."""
    from napari_stem_defects.training.active_learning import suggest

    report(Progress("loading the model", 0, 1))
    ensemble = kept_model(model)
    if ensemble.spec.sees_residual:
        raise InputError(
            f"{ensemble.spec.name}: a model of the lattice residual suggests no windows; find"
            " unusual places instead, or select a model that sees the image"
        )
    return suggest(frame.micrograph(), ensemble, taken=taken, device=device, report=report)


def update_live_map(*, request: LiveMapRequest, report: ProgressCallback) -> LiveMap:
    """Learn from the clicks so far and search the frame shown."""
    from napari_stem_defects.jobs.live_map import live_map

    return live_map(request, _prepared_frames(), report=report)


def add_synthetic_defects(
    *,
    frame: FrameInput,
    area: SearchArea | None,
    defects: Sequence[tuple[float, float]],
    vacancies: int,
    interstitials: int,
    seed: int,
    report: ProgressCallback,
) -> SyntheticDefects:
    """Make point defects in a frame, in an area or anywhere, away from labelled defects."""
    from napari_stem_defects.simulation import synthetic_edits

    micrograph = frame.micrograph()
    bulk = synthetic_edits.pixels_far_from(defects, micrograph.frame_shape)
    if area is not None:
        bulk &= area.mask(micrograph.frame_shape)
    return synthetic_edits.add_synthetic_defects(
        micrograph, bulk, vacancies=vacancies, interstitials=interstitials, seed=seed
    )


def train_quick(
    *, project: Path, out: Path, options: TrainingOptions, report: ProgressCallback
) -> TrainingSummary:
    """Make a quick model of a label project and write its file, report and card."""
    from napari_stem_defects.jobs.train_job import train_model

    return train_model([project], out, options, keep=False, device="cpu", report=report)


def import_model(*, path: Path, report: ProgressCallback) -> ModelEntry:
    """Prove that a model works and copy it into the user's library."""
    from napari_stem_defects.io.models import library as library_module

    return library_module.import_model(path)


def export_model(*, path: Path, target: Path, report: ProgressCallback) -> Path:
    """Copy a model and its card out of the library and return the file."""
    from napari_stem_defects.io.models import library as library_module

    return library_module.export_model(path, target)


@lru_cache(maxsize=1)
def _prepared_frames() -> PreparedFrames:
    """Return what this process keeps from one live map to the next."""
    from napari_stem_defects.jobs.live_map import PreparedFrames

    return PreparedFrames()
