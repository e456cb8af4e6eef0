"""Find and measure crystal defects in atomic-resolution STEM images.

Everything a script needs is imported from here::

    import napari_stem_defects as sd

    micrograph = sd.read("lamella.dm4")
    detection = sd.detect(micrograph)
    for region in detection.regions:
        print(region.class_name, region.y_nm, region.x_nm, region.length_nm)

The verbs are `read`, `preprocess`, `simulate`, `survey`, `train`, `evaluate`, `detect`, `save`,
`report`, `export`, `track`, `score`, `score_clicks` and `write_clicks`; the types are what they
take and return. Each name is imported on first use, so that importing the package is quick and
loads neither torch, Qt nor napari. Names of subpackages may change between versions; these do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defaults import DEFAULT_MODEL
from napari_stem_defects.base.version import __version__

if TYPE_CHECKING:
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.api.detect import detect
    from napari_stem_defects.api.export import Exported, export
    from napari_stem_defects.api.models import load_model
    from napari_stem_defects.api.preprocess import preprocess
    from napari_stem_defects.api.report import ResultsReport, report
    from napari_stem_defects.api.save import save
    from napari_stem_defects.api.score import Scores, score
    from napari_stem_defects.api.score_clicks import ClickScores, score_clicks, write_clicks
    from napari_stem_defects.api.survey import survey
    from napari_stem_defects.api.track import Tracking, track
    from napari_stem_defects.api.train import evaluate, train
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.errors import InputError
    from napari_stem_defects.io.images.read import list_signals, read
    from napari_stem_defects.io.images.signals import SignalInfo
    from napari_stem_defects.io.labels.project import LabelProject
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region
    from napari_stem_defects.preprocessing.pipeline import Stages
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.simulation.scene import Simulation
    from napari_stem_defects.simulation.simulate import simulate
    from napari_stem_defects.training.evaluate import EvaluationReport
    from napari_stem_defects.training.recipes import TrainingOptions

__all__ = [
    "DEFAULT_MODEL",
    "ClickScores",
    "DefectClass",
    "Detection",
    "Ensemble",
    "EvaluationReport",
    "Exported",
    "InputError",
    "LabelProject",
    "Micrograph",
    "PreprocessingSettings",
    "ProbabilityMap",
    "Region",
    "ResultsReport",
    "Scores",
    "SearchArea",
    "SignalInfo",
    "Simulation",
    "Stages",
    "Survey",
    "Tracking",
    "TrainingOptions",
    "__version__",
    "detect",
    "evaluate",
    "export",
    "list_signals",
    "load_model",
    "preprocess",
    "read",
    "report",
    "save",
    "score",
    "score_clicks",
    "simulate",
    "survey",
    "track",
    "train",
    "write_clicks",
]

# Where each public name is defined.
_DEFINED_IN = {
    "ClickScores": "api.score_clicks",
    "DefectClass": "base.defect_classes",
    "Detection": "postprocessing.results",
    "Ensemble": "networks.spec",
    "EvaluationReport": "training.evaluate",
    "Exported": "api.export",
    "InputError": "errors",
    "LabelProject": "io.labels.project",
    "Micrograph": "base.micrograph",
    "PreprocessingSettings": "preprocessing.settings",
    "ProbabilityMap": "postprocessing.results",
    "Region": "postprocessing.results",
    "ResultsReport": "api.report",
    "Scores": "api.score",
    "SearchArea": "base.search_area",
    "SignalInfo": "io.images.signals",
    "Simulation": "simulation.scene",
    "Stages": "preprocessing.pipeline",
    "Survey": "anomaly.survey_frame",
    "Tracking": "api.track",
    "TrainingOptions": "training.recipes",
    "detect": "api.detect",
    "evaluate": "api.train",
    "export": "api.export",
    "list_signals": "io.images.read",
    "load_model": "api.models",
    "preprocess": "api.preprocess",
    "read": "io.images.read",
    "report": "api.report",
    "save": "api.save",
    "score": "api.score",
    "score_clicks": "api.score_clicks",
    "simulate": "simulation.simulate",
    "survey": "api.survey",
    "track": "api.track",
    "train": "api.train",
    "write_clicks": "api.score_clicks",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_DEFINED_IN[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
