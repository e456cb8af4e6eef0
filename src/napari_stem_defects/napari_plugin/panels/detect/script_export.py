"""A window's settings as Python or as a command, to repeat by script what the mouse did."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.base.search_area import (
        SearchArea,
    )


@dataclass(frozen=True)
class DetectScript:
    """Everything that shapes a detection; numbers are written in full, so results are the same.

    Attributes
    ----------
    path : Path or None
        The image's file; a placeholder stands for it where there is none.
    pixel_size_nm : float or None
        Pixel size to give; None leaves it to the file.
    model : str
        Name in the library, or path.
    frames : tuple of int
        Which frames of a stack; () for an image.
    area : Area or None
        The only part searched.
    thresholds : mapping
        Those that differ from the model's own.
    corrections : int
        How many regions were corrected by hand, which no script repeats.
    """

    path: Path | None
    pixel_size_nm: float | None
    model: str
    stride: int
    device: str
    frames: tuple[int, ...] = ()
    area: SearchArea | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    corrections: int = 0

    def python(self) -> str:
        """Return a script that repeats the detection."""
        size = "" if self.pixel_size_nm is None else f", pixel_size_nm={self.pixel_size_nm!r}"
        lines = [
            "import napari_stem_defects as sd",
            "",
            f"micrograph = sd.read({self._file()!r}{size})",
        ]
        if len(self.frames) > 1:
            call = self._call("frame=frame, ")
            lines.append(f"results = [{call} for frame in {self.frames!r}]")
        else:
            frame = f"frame={self.frames[0]}, " if any(self.frames) else ""
            lines.append(f"result = {self._call(frame)}")
        return "\n".join([*self._remarks(), *lines, ""])

    def command(self) -> str:
        """Return the command line that repeats the detection."""
        parts = ["stem-defects", "detect", self._file(), "--out", "results", "--model", self.model]
        parts += ["--stride", str(self.stride)]
        if self.pixel_size_nm is not None:
            parts += ["--pixel-size", repr(self.pixel_size_nm)]
        if self.device != "auto":
            parts += ["--device", self.device]
        if self.frames:
            parts += ["--frames", ",".join(map(str, self.frames))]
        if self.area is not None:
            parts.append(f"--area={self.area.text()}")
        if self.thresholds:
            pairs = (f"{name}={value!r}" for name, value in self.thresholds.items())
            parts += ["--thresholds", ",".join(pairs)]
        return "\n".join([*self._remarks(), shlex.join(parts)])

    def _call(self, frame: str) -> str:
        options = f"{frame}stride={self.stride}, device={self.device!r}"
        if self.area is not None:
            options += f", area={self.area.plain()!r}"
        if self.thresholds:
            options += f", thresholds={dict(self.thresholds)!r}"
        return f"sd.detect(micrograph, {self.model!r}, {options})"

    def _remarks(self) -> list[str]:
        remarks = []
        if self.path is None:
            remarks.append("# the image came from no file: save the layer as image.tif first")
        if self.corrections:
            remarks.append(
                f"# {self.corrections} regions were corrected by hand; not repeated here"
            )
        return remarks

    def _file(self) -> str:
        return "image.tif" if self.path is None else str(self.path)
