"""The script that checks a GPU runs on the CPU, where nothing differs from the CPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_a_gpu", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_everything_is_checked_and_measured(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = script.figures_of("cpu", quick=True)
    assert "WRONG" not in capsys.readouterr().out
    assert set(figures["checks"]) == {"cdte-110", "sto-001"}
    for checked in figures["checks"].values():
        assert checked["largest_difference"]["exact"] < script.EXACT
        assert checked["from_the_cpu"]["mask_px"] == 0
        enough, *short = checked["short_of_memory"]
        assert enough["halved"] == 0
        assert all(each["halved"] > 0 for each in short)
        assert max(each["difference"] for each in [enough, *short]) < script.EXACT
    (path,) = figures["paths"]
    assert path["network_seconds"] < path["seconds"]
    assert path["to_regions"] > 0
    assert path["files"] > 0


@pytest.mark.slow
def test_tiles_are_halved_until_they_fit(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    ensemble = script.load_model(script.find_model("cdte-110"))
    before = script.EnsembleNetwork.member_logits_dense
    found = script.check_memory(ensemble, "cpu", 192, (2000, 60, 40))
    halved = [each["halved"] for each in found]
    assert halved[0] == 0
    assert halved == sorted(set(halved))  # the less memory, the smaller the tiles
    assert max(each["difference"] for each in found) < script.EXACT
    assert "WRONG" not in capsys.readouterr().out
    assert script.EnsembleNetwork.member_logits_dense is before


@pytest.mark.slow
def test_a_limit_that_is_never_reached_is_printed(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    ensemble = script.load_model(script.find_model("cdte-110"))
    script.check_memory(ensemble, "cpu", 128, (2000,))
    assert "no limit of memory was reached" in capsys.readouterr().out


@pytest.mark.slow
def test_a_wrong_answer_is_printed(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = script.predict

    def wrong(*given: object, device: str, mode: str) -> object:
        return right(*given, device="cpu", mode="exact") + (device == "cuda") * 1e-3

    monkeypatch.setattr(script, "predict", wrong)
    ensemble = script.load_model(script.find_model("cdte-110"))
    found = script.check_probabilities(ensemble, "cuda", 128)
    assert found["exact"] == pytest.approx(1e-3, abs=1e-6)
    assert "WRONG: cdte-110, exact" in capsys.readouterr().out
