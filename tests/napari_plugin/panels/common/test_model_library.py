"""Import, export and removal of models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_worker import FakeWorkers
from sample_results import model_entry
from small_model import write_small_model

from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.napari_plugin.panels.common.model_library import (
    LibraryActions,
    find_name_fault,
    model_path,
)
from napari_stem_defects.napari_plugin.panels.common.shared_state import LibraryEvents
from napari_stem_defects.workers.messages import Failed


class Harness:
    """Library actions with fake workers and what they announced."""

    def __init__(self) -> None:
        workers, events = FakeWorkers(), LibraryEvents()
        self.long, self.quick = workers.long, workers.quick
        self.actions = LibraryActions(workers.submit, events)
        self.changed: list[str] = []
        self.messages: list[str] = []
        self.failures: list[str] = []
        events.changed.connect(self.changed.append)
        self.actions.succeeded.connect(self.messages.append)
        self.actions.failed.connect(self.failures.append)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_import_verifies_the_model_in_the_worker_with_torch(harness: Harness) -> None:
    harness.actions.import_model(Path("new.safetensors"))
    assert harness.quick.jobs == []
    assert harness.changed == []
    harness.long.finish(model_entry())
    assert harness.changed == ["small"]
    assert harness.messages == ["small was added to your library"]


def test_a_failed_import_changes_nothing(harness: Harness) -> None:
    harness.actions.import_model(Path("new.safetensors"))
    harness.long.send(Failed("new.safetensors: damaged"))
    assert harness.failures == ["new.safetensors: damaged"]
    assert harness.changed == harness.messages == []


def test_export_reports_the_file(harness: Harness) -> None:
    harness.actions.export_model(model_entry(), Path("copy.safetensors"))
    harness.quick.finish(Path("copy.safetensors"))
    assert harness.messages == ["small was written to copy.safetensors"]


def test_remove_deletes_the_file(harness: Harness, library: Path) -> None:
    (entry,) = (each for each in list_models() if each.source == "user")
    harness.actions.remove(entry)
    assert not (library / "small.safetensors").exists()
    assert harness.changed == [""]
    assert harness.messages == ["small was removed from your library"]


def test_bundled_models_are_not_removed(harness: Harness, tmp_path: Path) -> None:
    bundled = write_small_model(tmp_path / "bundled.safetensors")
    harness.actions.remove(replace(model_entry(), path=bundled, source="bundled"))
    assert bundled.exists()
    assert harness.changed == []
    (failure,) = harness.failures
    assert "bundled.safetensors: only models of your own can be removed" in failure


def test_new_names_are_plain_and_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "user_folder", lambda: tmp_path)
    assert find_name_fault("my model 2.1") == ""
    assert "use letters" in find_name_fault("../up")
    assert "use letters" in find_name_fault("")
    model_path("taken").touch()
    assert "already has a model 'taken'" in find_name_fault("taken")
