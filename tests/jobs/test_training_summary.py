"""Summary of a training, and the step that announces a saved model."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.jobs.training_summary import ModelSavedProgress, TrainingSummary

SUMMARY = TrainingSummary(Path("mine.safetensors"), ({"split": "image"},), ("a note",), 90.0)


def test_a_training_runs_to_its_end_by_default() -> None:
    assert SUMMARY.stopped == ""


def test_a_saved_model_is_announced_with_its_summary() -> None:
    step = ModelSavedProgress("measuring", 500, 1000, summary=SUMMARY)
    assert isinstance(step, Progress)
    assert not step.saving
    assert pickle.loads(pickle.dumps(step)) == step


def test_the_panel_imports_the_summary_without_the_training() -> None:
    code = (
        "import sys; import napari_stem_defects.jobs.training_summary;"
        " sys.exit(any('napari_stem_defects.training' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
