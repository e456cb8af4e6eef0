"""The task that saves opened results, in a worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from result_samples import CLASSES
from written_results import write_image, write_result

from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.jobs.result_tasks import SAVE_RESULTS, SaveResultsArguments
from napari_stem_defects.workers.pool import get_worker

if TYPE_CHECKING:
    from pathlib import Path


def test_results_are_saved_by_a_worker(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    limits = {**dict.fromkeys(CLASSES, 0.5), "SF1": 0.9}
    job = SAVE_RESULTS.job(SaveResultsArguments(folder, limits, ()), subject="a")
    assert get_worker(job.worker).begin(job)() == folder
    summary = read_summary(folder)
    assert summary["parameters"]["thresholds"]["SF1"] == 0.9
    assert summary["counts"]["SF1"] == 0
