"""Frames searched on Dask clusters: in this process, and in processes connected over TCP."""

from __future__ import annotations

import functools
import http.server
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from batch_samples import write_stack
from dask_processes import dask_processes
from same_results import assert_same_results

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.jobs import cluster as cluster_module
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings
from napari_stem_defects.jobs.cluster import cluster
from napari_stem_defects.jobs.executors import FrameExecutor, Workers

distributed = pytest.importorskip("distributed")


def refused(address: str) -> str:
    """Return the message with which an address is refused."""
    with pytest.raises(InputError) as caught, cluster(address):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_worker_killed_midway_costs_no_frame_and_no_bit(
    settings: Settings, tmp_path: Path
) -> None:
    movie, frames = write_stack(tmp_path / "movie.tif", 24, 256, 256), 24
    settings = replace(settings, stride=8)
    list(detect_files([movie], settings))
    spread = replace(settings, out=tmp_path / "spread")
    with dask_processes(tmp_path / "dask", workers=2) as dask:
        victim = dask.processes[1]

        def kill_midway() -> None:
            while victim.poll() is None:
                if len(list(spread.out.rglob("frame_*.npz"))) >= 4:
                    victim.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
                    return
                time.sleep(0.02)

        killer = threading.Thread(target=kill_midway)
        killer.start()
        with cluster(str(tmp_path / "dask" / "scheduler.json")) as workers:
            (outcome,) = detect_files([movie], spread, workers=workers)
        assert victim.wait(30) != 0
        killer.join()
        assert dask.processes[2].poll() is None
    assert outcome.fault == ""
    assert [found.frame for found in read_results(spread.out / "movie")] == list(range(frames))
    assert_same_results(settings.out / "movie", spread.out / "movie")


def test_a_local_cluster_finds_the_same_to_the_bit(settings: Settings, tmp_path: Path) -> None:
    images = [write_stack(tmp_path / "a.tif", 3, 96, 96), write_stack(tmp_path / "b.tif", 96, 96)]
    list(detect_files(images, settings))
    spread = replace(settings, out=tmp_path / "spread")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address=None
        ) as local,
        cluster(local.scheduler_address) as workers,
    ):
        outcomes = list(detect_files(images, spread, workers=workers))
    assert [outcome.fault for outcome in outcomes] == ["", ""]
    for name in "ab":
        assert_same_results(settings.out / name, spread.out / name)


def test_a_scheduler_without_workers_is_stated_and_its_end_is_one_line(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    movie, said = write_stack(tmp_path / "movie.tif", 3, 96, 96), list[str]()
    with dask_processes(tmp_path / "dask") as dask, cluster(dask.address, said.append) as workers:
        threading.Timer(1, dask.end).start()
        (outcome,) = detect_files([movie], settings, workers=workers)
    assert said == [f"{dask.address}: the cluster has no worker yet; the frames wait for one"]
    assert "the scheduler was lost" in outcome.fault
    assert "run the same command again" in outcome.fault
    assert "Traceback" not in capsys.readouterr().err


def test_frames_that_wait_are_cancelled_when_the_batch_is_stopped(
    settings: Settings, tmp_path: Path
) -> None:
    movie = write_stack(tmp_path / "movie.tif", 3, 96, 96)
    with dask_processes(tmp_path / "dask") as dask:
        with cluster(dask.address, lambda _: None) as workers:
            batch = detect_files([movie], settings, workers=stopped_soon(workers))
            with pytest.raises(KeyboardInterrupt):
                list(batch)
        with distributed.Client(dask.address, set_as_default=False) as client:
            assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0


def stopped_soon(workers: Workers) -> Workers:
    """Return an executor during whose third submission Ctrl-C is pressed."""
    submitted: list[object] = []

    def submit(task: object, report: object) -> object:
        if len(submitted) == 2:
            raise KeyboardInterrupt
        submitted.append(task)
        return workers.submit(task, report)  # type: ignore[arg-type]

    return FrameExecutor(submit, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "fault"),
    [
        ("import sys; sys.modules['napari_stem_defects'] = None", "no napari-stem-defects"),
        ("import distributed; distributed.__version__ = '2024.1.0'", "distributed 2024.1.0, here"),
    ],
)
def test_a_scheduler_with_other_software_is_one_line(
    tmp_path: Path, before: str, fault: str
) -> None:
    with dask_processes(tmp_path / "dask", before=before) as dask:
        message = refused(dask.address)
    assert message.startswith(f"{dask.address}: the scheduler has {fault}")
    assert message.endswith("use one environment for scheduler, workers and this command")


def test_an_address_without_a_scheduler_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cluster_module, "_CONNECT_S", 1.0)
    assert refused("tcp://127.0.0.1:1").startswith("tcp://127.0.0.1:1: no Dask scheduler found (")
    assert "missing port number" in refused("host")
    assert "unknown address scheme" in refused("http://127.0.0.1:80")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        message = refused(f"tcp://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert message.endswith("start one, or check host and port")


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refused("tcp://host:8786") == (
        "--cluster needs Dask; pip install '.[cluster]' from a clone"
    )


def test_a_file_that_no_scheduler_wrote_is_one_line(tmp_path: Path) -> None:
    assert refused(str(tmp_path / "none.json")).startswith("none.json: does not exist")
    (tmp_path / "other.json").write_text("[1]")
    assert refused(str(tmp_path / "other.json")) == (
        "other.json: is not the file of a Dask scheduler;"
        " name the one that 'dask scheduler --scheduler-file' wrote"
    )


def test_images_are_opened_ahead_for_workers_that_join_later(tmp_path: Path) -> None:
    with (
        dask_processes(tmp_path / "dask") as dask,
        cluster(dask.address, lambda _: None) as workers,
    ):
        assert workers.ahead == 1
        dask.add_worker()
        end = time.monotonic() + 60
        while workers.ahead < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert workers.ahead == 2
