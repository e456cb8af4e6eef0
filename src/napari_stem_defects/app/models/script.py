"""A window's settings as Python or as a command, to repeat by script what the mouse did."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class DetectScript:
    """Everything that shapes a detection.

    Attributes
    ----------
    path : Path or None
        The image's file; a placeholder stands for it where there is none.
    pixel_size_nm : float or None
        Pixel size to give; None leaves it to the file.
    frame : int
        Which frame of a stack.
    thresholds : mapping
        Those that differ from the model's own.
    """

    path: Path | None
    pixel_size_nm: float | None
    model: str
    stride: int
    device: str
    frame: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def python(self) -> str:
        """Return a script that repeats the detection."""
        size = "" if self.pixel_size_nm is None else f", pixel_size_nm={self.pixel_size_nm:.6g}"
        options = f"stride={self.stride}, device={self.device!r}"
        if self.frame:
            options = f"frame={self.frame}, {options}"
        if self.thresholds:
            rounded = {name: round(value, 3) for name, value in self.thresholds.items()}
            options += f", thresholds={rounded!r}"
        return (
            "import napari_stem_defects as sd\n"
            "\n"
            f"micrograph = sd.read({self._file()!r}{size})\n"
            f"result = sd.detect(micrograph, {self.model!r}, {options})\n"
        )

    def command(self) -> str:
        """Return the command line that repeats the detection (with the model's thresholds)."""
        parts = ["stem-defects", "detect", self._file(), "--out", "results", "--model", self.model]
        parts += ["--stride", str(self.stride)]
        if self.pixel_size_nm is not None:
            parts += ["--pixel-size", f"{self.pixel_size_nm:.6g}"]
        if self.device != "auto":
            parts += ["--device", self.device]
        return shlex.join(parts)

    def _file(self) -> str:
        return "image.tif" if self.path is None else str(self.path)
