"""Terminal output: one bar on standard error, lines above it, a prompt end on Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.cli.terminal import (
    STOPPED,
    Bar,
    long_work,
    print_error,
    print_left_out,
    print_result,
)

BUSY = """
import numpy
from napari_stem_defects.cli.terminal import long_work
matrix = numpy.random.rand(6000, 6000)
with long_work():
    print("started", flush=True)
    numpy.linalg.svd(matrix)  # minutes in one call of LAPACK
"""


def test_results_and_errors_go_to_their_streams(capsys: pytest.CaptureFixture[str]) -> None:
    print_result("2 SF1")
    print_error("a.dm4: damaged; restore the file")
    printed = capsys.readouterr()
    assert printed.out == "2 SF1\n"
    assert printed.err == "stem-defects: a.dm4: damaged; restore the file\n"


def test_no_bar_is_drawn_where_standard_error_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with long_work() as bar:
        for done in range(4):
            bar(Progress("scanning", done, 3))
    assert capsys.readouterr().err == ""


def test_the_bar_follows_stages_of_different_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = Bar()
    bar(Progress("reading", 1, 2))
    first = bar._bar
    bar(Progress("reading", 2, 2))
    assert bar._bar is first
    bar(Progress("scanning", 5, 9))
    assert bar._bar is not first
    assert bar._bar is not None
    assert bar._bar.total == 9
    bar.close()
    bar.close()
    assert bar._bar is None


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT as a POSIX terminal does")
def test_ctrl_c_ends_a_process_inside_one_long_call_of_a_library() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(0.5)  # it is inside LAPACK by now
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert "stopped; what was finished is kept" in process.stderr.read()
        assert process.wait() == STOPPED
    assert time.monotonic() - pressed < 5


def test_what_was_left_out_is_stated_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.tif").write_bytes(b"x")
    print_left_out([tmp_path], 58, ["b.dm4", "c.tif"])
    shown = capsys.readouterr()
    assert shown.err == "stem-defects: 2 of 60 files have no result: b.dm4, c.tif\n"
    assert shown.out.startswith("not searched: images in the folder ")
    print_left_out([tmp_path], 0, [f"{number}.tif" for number in range(40)])
    assert capsys.readouterr().err.endswith(" 8.tif, 9.tif, ...\n")
    print_left_out([tmp_path / "sub" / "a.tif"], 1, ["a.tif"])  # in sight
    assert capsys.readouterr() == ("", "")
