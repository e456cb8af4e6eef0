"""Running the command line in tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable


def detect(image: Path, out: Path, model: Path, *more: str) -> int:
    places = [str(image), "--out", str(out), "--model", str(model)]
    return main(["detect", *places, "--stride", "32", "--pixel-size", "0.027", *more])


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
