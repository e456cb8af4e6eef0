"""Ctrl-C at any moment of a command: no traceback, exit code 130."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Presses Ctrl-C where a module is imported; as "numpy", the import may make another error of it.
PRESS = """
import signal, sys
class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                raise {error}("interrupted") from error
sys.meta_path.insert(0, Presses())
"""
RUN = """
import sys
from napari_stem_defects.cli.start import main
sys.exit(main())
"""
AT_THE_END = "import atexit, signal; atexit.register(signal.raise_signal, signal.SIGINT)\n"
IGNORED = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def run(code: str, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", code + RUN, *words]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(0).normal(size=(40, 44)).astype(np.float32))
    return path


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ImportError"])
@pytest.mark.parametrize(
    "module",
    [
        "argparse",
        "napari_stem_defects.cli.main",
        "napari_stem_defects.cli.watch",
        "numpy",
        "napari_stem_defects.preprocessing.pipeline",
        "PIL",
    ],
)
def test_while_something_is_imported(module: str, error: str, image: Path) -> None:
    out = image.with_name("out")
    code, printed, errors = run(
        PRESS.format(module=module, error=error), "preprocess", str(image), "--out", str(out)
    )
    assert (code, printed) == (130, "")
    assert errors in ("", "stem-defects: stopped; what was finished is kept\n")


def test_while_python_ends() -> None:
    code, printed, errors = run(AT_THE_END, "--help")
    assert (code, errors) == (130, "")
    assert "usage" in printed


def test_a_job_in_the_background_ignores_it(image: Path) -> None:
    words = ("preprocess", str(image), "--out", str(image.with_name("out")))
    press = PRESS.format(module="numpy", error="KeyboardInterrupt")
    code, _, errors = run(IGNORED + press, *words)
    assert (code, errors) == (0, "")
