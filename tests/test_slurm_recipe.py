"""The recipe for SLURM in docs/cluster.md, with an `sbatch` that runs the script at once."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_samples import write_stack
from same_results import assert_same_results
from small_model import write_small_model

from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings
from napari_stem_defects.jobs.cluster import cluster

jobqueue = pytest.importorskip("dask_jobqueue")

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
RECIPE = re.search(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]

SBATCH = """#!/bin/sh
# Takes the script, which dask-jobqueue deletes after this call, as SLURM does; starts it in the
# background, as a node would, and prints what SLURM prints.
cp "$1" {pids}.$$.sh
sh {pids}.$$.sh >> {pids}.log 2>&1 &
echo $! >> {pids}
echo "Submitted batch job $!"
"""


def run_recipe() -> tuple[Any, str]:
    """Run the snippet of the page; return its cluster and what it printed."""
    printed, names = io.StringIO(), dict[str, Any]()
    with redirect_stdout(printed):
        exec(RECIPE, names)
    return names["slurm"], printed.getvalue()


def test_the_script_requests_what_the_page_states() -> None:
    slurm, script = run_recipe()
    slurm.close()
    for line in (
        "#SBATCH -p compute",
        "#SBATCH -A my-project",
        "#SBATCH --cpus-per-task=16",
        "#SBATCH --mem=30G",
        "#SBATCH -t 04:00:00",
        "source /shared/envs/stem/bin/activate",
    ):
        assert line in script.splitlines()
    (worker,) = [line for line in script.splitlines() if "dask_worker" in line]
    assert worker.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://")
    assert "--nthreads 1 " in worker
    assert "--nworkers 16 " in worker
    assert "--death-timeout 600 " in worker
    assert worker.endswith("--lifetime 225m --lifetime-stagger 10m")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SLURM does not run on Windows")
def test_the_recipe_searches_a_movie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands, pids = tmp_path / "bin", tmp_path / "pids"
    commands.mkdir()
    for name, content in {"sbatch": SBATCH.format(pids=pids), "scancel": "#!/bin/sh\n"}.items():
        (commands / name).write_text(content)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.chdir(tmp_path)
    model = write_small_model(tmp_path / "small.safetensors")
    settings = Settings(tmp_path / "here", model, stride=32, pixel_size_nm=0.027, device="cpu")
    movie = write_stack(tmp_path / "movie.tif", 4, 96, 96)
    list(detect_files([movie], settings))
    there = replace(settings, out=tmp_path / "there")
    # This machine is a node of one core, and has no environment of that name.
    monkeypatch.setattr(sys.modules[__name__], "RECIPE", for_one_core(RECIPE))
    slurm, _ = run_recipe()
    try:
        slurm.scale(jobs=1)
        with cluster(slurm.scheduler_address, lambda _: None) as workers:
            (outcome,) = detect_files([movie], there, workers=workers)
    finally:
        slurm.close()
        end_all(pids)
        print(Path(f"{pids}.log").read_text(encoding="utf-8"))  # seen where the test fails
    assert outcome.fault == ""
    assert_same_results(settings.out / "movie", there.out / "movie")


def for_one_core(recipe: str) -> str:
    """Return the recipe for a node of one core without the shared environment."""
    changed = recipe.replace("=16,", "=1,").replace("source /shared/envs/stem/bin/activate", "true")
    assert changed.count("=1,") == 2
    return changed


def end_all(pids: Path) -> None:
    """End what the jobs left running: their workers end with the scheduler."""
    end = time.monotonic() + 20
    for pid in map(int, pids.read_text().split()):
        while is_running(pid) and time.monotonic() < end:
            time.sleep(0.1)
        if is_running(pid):
            os.kill(pid, signal.SIGTERM)


def is_running(pid: int) -> bool:
    """Return whether a process is there and is no zombie."""
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
