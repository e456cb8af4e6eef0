"""Terminal output: one bar on standard error, lines above it, a prompt end on Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.cli.key_press import STOPPED
from napari_stem_defects.cli.terminal import (
    Bar,
    long_work,
    print_error,
    print_left_out,
    print_result,
)

LINE = 'from napari_stem_defects.cli.terminal import print_result; print_result("2 SF1")'
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


@pytest.mark.parametrize("with_bar", [False, True])
def test_a_line_is_in_a_log_before_the_process_ends(tmp_path: Path, with_bar: bool) -> None:
    """A process that is ended writes nothing that it still holds back."""
    first = "import tqdm\n" if with_bar else ""
    ends = f"{first}import os\n{LINE}\nos._exit(3)"
    buffered = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run([sys.executable, "-c", ends], stdout=log, env=buffered, check=False)
    assert done.returncode == 3
    assert (tmp_path / "log").read_text(encoding="utf-8").splitlines() == ["2 SF1"]


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
