"""What public objects show of themselves in a console: one informative line, never their arrays."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from report_samples import report as evaluation_report
from scored_images import write_manifest
from small_model import write_small_model
from written_results import write_image, write_result

import napari_stem_defects as sd

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 300
DEPTH = 3


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return an object of every public class, most of them made by the public verbs."""
    folder = tmp_path_factory.mktemp("reprs")
    simulation = sd.simulate(size=128)
    micrograph = simulation.micrograph
    model = write_small_model(folder / "small.safetensors")
    result = write_result(write_image(folder / "data" / "movie.tif", 3), folder / "found")
    detection = sd.detect(micrograph, str(model), thresholds={"SF1": 0.01})
    np.savez(folder / "both.npz", haadf=np.ones((64, 96)), spectrum=np.ones(100))
    found = {
        "Simulation": simulation,
        "Micrograph": sd.Micrograph(np.zeros((3, 64, 64), np.float32), "movie"),
        "Stages": sd.preprocess(micrograph),
        "Survey": sd.survey(micrograph),
        "Detection": detection,
        "ProbabilityMap": detection.map,
        "Region": detection.regions[0],
        "Ensemble": sd.load_model(str(model)),
        "EvaluationReport": evaluation_report(),
        "Scores": sd.score(write_manifest(folder), folder / "found"),
        "ClickScores": sd.ClickScores({"curves": {"a": list(range(1000))}}, ()),
        "Exported": sd.export(result, "csv", folder / "exported"),
        "ResultsReport": sd.report(result, folder / "report"),
        "SearchArea": sd.SearchArea((tuple((float(i), float(i * i % 7)) for i in range(150)),)),
        "SignalInfo": sd.list_signals(folder / "both.npz")[0],
        "LabelProject": sd.LabelProject.create(folder / "mine.labels"),
        "DefectClass": sd.DefectClass("SF1"),
        "PreprocessingSettings": sd.PreprocessingSettings(),
        "TrainingOptions": sd.TrainingOptions(),
        "InputError": sd.InputError("a.tif: is damaged"),
    }
    pytest.importorskip("trackpy", reason="Tracking needs it")
    found["Tracking"] = sd.track(result, take_out_drift=False)
    found["LabelProject"].close()
    return found


def parts(value: Any, name: str, depth: int = DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield an object, and the objects of this package that its fields lead to."""
    yield name, value
    if depth == 0:
        return
    fields = [each.name for each in dataclasses.fields(value)] if is_dataclass(value) else []
    for attribute in (*fields, *getattr(value, "_fields", ())):
        inner = getattr(value, attribute)
        if isinstance(inner, tuple | list) and inner:
            inner = inner[0]
        if type(inner).__module__.startswith("napari_stem_defects"):
            yield from parts(inner, f"{name}.{attribute}", depth - 1)


def is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def test_every_public_class_is_among_them(returned: dict[str, Any]) -> None:
    classes = {name for name in sd.__all__ if isinstance(getattr(sd, name), type)}
    assert set(returned) == classes
    assert all(isinstance(returned[name], getattr(sd, name)) for name in classes)


def test_each_is_one_line_without_arrays(returned: dict[str, Any]) -> None:
    seen = [part for name, value in returned.items() for part in parts(value, name)]
    assert len(seen) > 2 * len(returned)
    dumped = [name for name, value in seen if "\n" in repr(value) or "array(" in repr(value)]
    assert dumped == []
    assert [name for name, value in returned.items() if len(repr(value)) > LONGEST] == []


def test_the_line_names_the_class_and_what_it_is_about(returned: dict[str, Any]) -> None:
    for name, value in returned.items():
        assert repr(value).startswith(f"{name}("), name
        assert len(repr(value)) > len(f"{name}()")
