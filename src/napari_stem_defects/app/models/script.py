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
    thresholds : mapping
        Those that differ from the model's own.
    """

    path: Path | None
    pixel_size_nm: float | None
    model: str
    stride: int
    device: str
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def python(self) -> str:
        """Return a script that repeats the detection."""
        size = "" if self.pixel_size_nm is None else f", pixel_size_nm={self.pixel_size_nm:.6g}"
        options = f"stride={self.stride}, device={self.device!r}"
        if self.thresholds:
            options += f", thresholds={ {k: round(v, 3) for k, v in self.thresholds.items()}!r}"
        return (
            "import napari_stem_defects as sd\n"
            "from napari_stem_defects.files.model_file import load_model\n"
            "from napari_stem_defects.files.model_library import find_model\n"
            "\n"
            f"micrograph = sd.read({self._file()!r}{size})\n"
            f"ensemble = load_model(find_model({self.model!r}))\n"
            f"result = sd.detect(micrograph.frame(0), ensemble, {options})\n"
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
