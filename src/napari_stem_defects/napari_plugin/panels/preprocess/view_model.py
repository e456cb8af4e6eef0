"""What the window "Preprocess" knows and does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.lattice.power_spectrum import Lattice, pixel_size_from_lattice
from napari_stem_defects.napari_plugin.panels.common.job_state import Latest, Submit
from napari_stem_defects.preprocessing.pipeline import (
    Stages,
    stages,
)
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)
from napari_stem_defects.simulation.crystals import LAYER_NM, STO_NM
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.jobs.frame_input import FrameInput

_TASKS = "napari_stem_defects.jobs.tasks"

CRYSTALS = {"CdTe [110]": LAYER_NM, "SrTiO3 [001]": STO_NM}
"""Spacing in nm of the first reflections of crystals whose lattice gives the scale."""

PRESETS = {"default": PreprocessingSettings(), "as in the paper": PreprocessingSettings.paper()}
"""Settings to start from: a new model's, and those of Marvin et al."""


class PreprocessModel:
    """Settings of the stages, the image they are tried on, and what comes out.

    Parameters
    ----------
    submit : callable
        Hands jobs to the worker for quick work.
    """

    settings_changed = Signal()
    stages_found = Signal(Stages)
    """The stages of the whole image, for the newest settings asked for."""
    patch_found = Signal(Stages)
    """The stages of the patch under the cursor."""
    lattice_found = Signal()
    failed = Signal(str)

    def __init__(self, submit: Submit) -> None:
        self._staging = Latest(submit, self._on_stages, self.failed.emit)
        self._measuring = Latest(submit, self._on_lattice, self.failed.emit)
        self.settings = PreprocessingSettings()
        self.live = False
        """Whether the stages of the whole image follow the settings."""
        self.lattice: Lattice | None = None
        self._frame: FrameInput | None = None
        self._pixels: NDArray[np.float32] | None = None
        self._cursor: tuple[float, float] | None = None

    def show(self, frame: FrameInput | None) -> None:
        """Try the settings on another frame."""
        self._frame, self._pixels, self._cursor = frame, None, None
        self.lattice = None
        self._staging.forget()
        self._measuring.forget()
        self.lattice_found.emit()
        if frame is None:
            return
        try:
            self._pixels = frame.micrograph().pixels
        except InputError as error:
            self.failed.emit(str(error))
            return
        arguments = {"pixels": self._pixels}
        self._measuring.ask(Job(f"{_TASKS}:measure", arguments, subject=frame.name))
        self.refresh()

    def change(self, name: str, value: Any) -> None:
        """Change one parameter."""
        self.use(self.settings.to_dict() | {name: value})

    def use(self, values: dict[str, Any]) -> None:
        """Take over all parameters; what is out of range is said through `failed`."""
        try:
            settings = PreprocessingSettings.from_dict(values)
        except InputError as error:
            self.failed.emit(str(error))
            return
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit()
            self.refresh()

    def refresh(self) -> None:
        """Compute the stages anew: of the patch now, of the whole image in the worker."""
        if self._cursor is not None:
            self.look_at(*self._cursor)
        if self.live and self._pixels is not None and self._frame is not None:
            arguments = {"pixels": self._pixels, "settings": self.settings}
            self._staging.ask(Job(f"{_TASKS}:stage", arguments, subject=self._frame.name))

    def look_at(self, y: float, x: float) -> None:
        """Show the stages of the patch around a point; points outside the image change nothing."""
        patch = None if self._pixels is None else _patch(self._pixels, y, x, self.settings)
        if patch is not None:
            self._cursor = (y, x)
            self.patch_found.emit(stages(patch, self.settings))

    def pixel_size_nm(self, crystal: str) -> float | None:
        """Return the pixel size that the lattice has if the image shows this crystal."""
        if self.lattice is None:
            return None
        return pixel_size_from_lattice(self.lattice, CRYSTALS[crystal])

    def lattice_text(self, pixel_size_nm: float | None) -> str:
        """Return the lattice's spacings and angle in words."""
        if self.lattice is None:
            return "no lattice found"
        unit, scale = ("px", 1.0) if pixel_size_nm is None else ("nm", pixel_size_nm)
        digits = 1 if pixel_size_nm is None else 4
        first, second = (f"{d * scale:.{digits}f}" for d in self.lattice.d_px)
        return f"{first} and {second} {unit} at {self.lattice.angle_deg:.1f}°"

    def text(self) -> str:
        """Return the settings as JSON."""
        return json.dumps({"preprocessing": self.settings.to_dict()}, indent=2)

    def read(self, text: str) -> None:
        """Take over what `text` returned; anything else changes nothing."""
        try:
            self.settings = PreprocessingSettings.from_dict(json.loads(text)["preprocessing"])
        except (ValueError, KeyError, TypeError, InputError):
            return
        self.settings_changed.emit()

    def save(self, path: Path) -> None:
        """Write the settings as JSON."""
        try:
            write_bytes(path, self.text().encode())
        except InputError as error:
            self.failed.emit(str(error))

    def load(self, path: Path) -> None:
        """Read settings that `save` wrote."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))["preprocessing"]
        except (OSError, ValueError, KeyError, TypeError):
            self.failed.emit(f"{path.name}: no preprocessing settings; choose a file saved here")
            return
        self.use(values)

    def _on_stages(self, found: Stages) -> None:
        self.stages_found.emit(found)

    def _on_lattice(self, found: Lattice | None) -> None:
        self.lattice = found
        self.lattice_found.emit()


def _patch(
    pixels: NDArray[np.float32], y: float, x: float, settings: PreprocessingSettings
) -> NDArray[np.float32] | None:
    """Cut the patch whose centre is nearest to a point, wholly inside the image."""
    height, width = pixels.shape
    size = settings.patch_px
    if min(height, width) < size or not (-0.5 <= y < height and -0.5 <= x < width):
        return None
    top = int(np.clip(round(y) - size // 2, 0, height - size))
    left = int(np.clip(round(x) - size // 2, 0, width - size))
    return pixels[top : top + size, left : left + size]
