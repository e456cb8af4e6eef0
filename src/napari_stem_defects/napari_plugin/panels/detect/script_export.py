"""Settings of a detection as a Python script or a command that repeats it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.base.search_area import SearchArea


@dataclass(frozen=True)
class DetectScript:
    """All settings that affect a detection; numbers are written in full precision.

    Attributes
    ----------
    path : Path or None
        File of the image; None writes a placeholder.
    pixel_size_nm : float or None
        Pixel size; None takes it from the file.
    model : str
        Name in the library, or path.
    stride : int
        Step of the sliding window in px.
    device : str
        "auto", "cpu", "cuda" or "mps".
    frames : tuple of int
        Frames of a stack; () for a single image.
    area : SearchArea or None
        Part of the image to search; None for the whole image.
    thresholds : mapping
        Probability thresholds that differ from those of the model, by class.
    contrast : str
        "auto", "bright" or "dark".
    corrections : int
        Number of regions corrected by hand, which scripts do not repeat.
    """

    path: Path | None
    pixel_size_nm: float | None
    model: str
    stride: int
    device: str
    frames: tuple[int, ...] = ()
    area: SearchArea | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    contrast: str = "auto"
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
        return "\n".join([*self._comments(), *lines, ""])

    def command(self) -> str:
        """Return the command line that repeats the detection."""
        parts = ["stem-defects", "detect", self._file(), "--out", "results", "--model", self.model]
        parts += ["--stride", str(self.stride)]
        if self.pixel_size_nm is not None:
            parts += ["--pixel-size", repr(self.pixel_size_nm)]
        if self.device != "auto":
            parts += ["--device", self.device]
        if self.contrast != "auto":
            parts += ["--contrast", self.contrast]
        if self.frames:
            parts += ["--frames", ",".join(map(str, self.frames))]
        if self.area is not None:
            parts.append(f"--area={self.area.to_text()}")
        if self.thresholds:
            pairs = (f"{name}={value!r}" for name, value in self.thresholds.items())
            parts += ["--thresholds", ",".join(pairs)]
        return "\n".join([*self._comments(), shlex.join(parts)])

    def _call(self, frame: str) -> str:
        options = f"{frame}stride={self.stride}, device={self.device!r}"
        if self.contrast != "auto":
            options += f", contrast={self.contrast!r}"
        if self.area is not None:
            options += f", area={self.area.to_json()!r}"
        if self.thresholds:
            options += f", thresholds={dict(self.thresholds)!r}"
        return f"sd.detect(micrograph, {self.model!r}, {options})"

    def _comments(self) -> list[str]:
        comments = []
        if self.path is None:
            comments.append(
                "# the image was not opened from a file: save the layer as image.tif first"
            )
        if self.corrections:
            comments.append(
                f"# {self.corrections} regions were corrected by hand; not repeated here"
            )
        return comments

    def _file(self) -> str:
        return "image.tif" if self.path is None else str(self.path)
