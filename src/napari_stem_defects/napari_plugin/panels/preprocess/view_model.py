"""View model of the panel Preprocess."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.jobs.lattice_tasks import MEASURE_LATTICE, MeasureLatticeArguments
from napari_stem_defects.jobs.registry import (
    COMPUTE_STAGES,
    ComputeStagesArguments,
)
from napari_stem_defects.lattice.power_spectrum import Lattice, pixel_size_from_lattice
from napari_stem_defects.napari_plugin.panels.common.job_state import LatestJob, Submit
from napari_stem_defects.preprocessing.pipeline import (
    Stages,
    stages,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.simulation.crystals import LAYER_NM, STO_NM

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.jobs.frame_input import FrameInput


@dataclass(frozen=True)
class KnownCrystal:
    """A crystal in projection whose lattice can calibrate an image.

    Attributes
    ----------
    spacing_nm : float
        Spacing of the planes of the two first reflections, which is the same for both.
    angle_deg : float
        Angle between these reflections.
    """

    spacing_nm: float
    angle_deg: float


_CRYSTALS = {
    "CdTe [110]": KnownCrystal(LAYER_NM, float(np.degrees(np.arccos(1 / 3)))),
    "SrTiO3 [001]": KnownCrystal(STO_NM, 90.0),
}
CRYSTALS = tuple(_CRYSTALS)
"""Names of the crystals that can calibrate an image."""
_ANGLE_TOLERANCE_DEG, _RATIO_TOLERANCE = 4.0, 0.09
"""As far as the lattice may differ from that of a crystal, for strain and scan distortion."""

PRESETS = {"default": PreprocessingSettings(), "as in the paper": PreprocessingSettings.paper()}
"""Settings to start from: the default of new models, and those of Marvin et al."""


class PreprocessViewModel:
    """Preprocessing settings, and the stages and lattice of the image they are applied to.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers.

    Attributes
    ----------
    settings : PreprocessingSettings
    live : bool
        Whether the stages of the whole image follow the settings.
    lattice : Lattice or None
        Lattice of the image; None if none was found.
    """

    settings_changed = Signal()
    """Other settings are in use."""
    stages_found = Signal(Stages)
    """The stages of the whole image with the newest settings."""
    patch_found = Signal(Stages)
    """The stages of the patch at the cursor."""
    lattice_found = Signal()
    """Another lattice was found, or none."""
    failed = Signal(str)
    """One line about what went wrong."""

    def __init__(self, submit: Submit) -> None:
        self._staging = LatestJob(submit, self._on_stages, self.failed.emit)
        self._measuring = LatestJob(submit, self._on_lattice, self._on_not_measured)
        self.settings = PreprocessingSettings()
        self.live = False
        self.lattice: Lattice | None = None
        self._is_measuring = False
        self._frame: FrameInput | None = None
        self._pixels: NDArray[np.float32] | None = None
        self._cursor: tuple[float, float] | None = None

    def show(self, frame: FrameInput | None) -> None:
        """Apply the settings to another frame; None if there is no image."""
        self._frame, self._pixels, self._cursor = frame, None, None
        self.lattice, self._is_measuring = None, False
        self._staging.discard()
        self._measuring.discard()
        self.lattice_found.emit()
        if frame is None:
            return
        try:
            self._pixels = frame.micrograph().pixels
        except InputError as error:
            self.failed.emit(str(error))
            return
        self._is_measuring = True
        self.lattice_found.emit()
        arguments = MeasureLatticeArguments(self._pixels)
        self._measuring.request(MEASURE_LATTICE.job(arguments, subject=frame.name))
        self.refresh()

    def change(self, name: str, value: Any) -> None:
        """Change one parameter."""
        self.use(self.settings.to_dict() | {name: value})

    def use(self, values: dict[str, Any]) -> None:
        """Set all parameters; values out of range emit `failed` and change nothing."""
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
        """Compute the stages again: of the patch at once, of the whole image in the worker."""
        if self._cursor is not None:
            self.show_patch_at(*self._cursor)
        if self.live and self._pixels is not None and self._frame is not None:
            arguments = ComputeStagesArguments(self._pixels, self.settings)
            self._staging.request(COMPUTE_STAGES.job(arguments, subject=self._frame.name))

    def show_patch_at(self, y: float, x: float) -> None:
        """Compute the stages of the patch around a position (px) inside the image."""
        patch = None if self._pixels is None else _patch(self._pixels, y, x, self.settings)
        if patch is not None:
            self._cursor = (y, x)
            self.patch_found.emit(stages(patch, self.settings))

    def pixel_size_nm(self, crystal: str) -> float | None:
        """Return the pixel size that follows if the image shows a crystal.

        Parameters
        ----------
        crystal : str
            One of `CRYSTALS`; another text stands for none.

        Returns
        -------
        float or None
            In nm; None without a lattice, or where it is not that of the crystal.
        """
        known = _CRYSTALS.get(crystal)
        if known is None or self.lattice is None or self.why_no_size(crystal):
            return None
        return pixel_size_from_lattice(self.lattice, known.spacing_nm)

    def why_no_size(self, crystal: str) -> str:
        """Return why the image does not show a crystal, in a few words; "" where it may."""
        known = _CRYSTALS.get(crystal)
        if known is None or self.lattice is None:
            return ""
        ratio = max(self.lattice.d_px) / min(self.lattice.d_px)
        fits = abs(self.lattice.angle_deg - known.angle_deg) <= _ANGLE_TOLERANCE_DEG
        if fits and ratio - 1 <= _RATIO_TOLERANCE:
            return ""
        return f"not this crystal: equal spacings at {known.angle_deg:.1f}°"

    def lattice_text(self, pixel_size_nm: float | None) -> str:
        """Return spacings and angle of the lattice as text, in px and, with a pixel size, in nm."""
        if self.lattice is None:
            return "measuring…" if self._is_measuring else "no lattice found"
        lengths = [round(d, 1 if pixel_size_nm is None else 2) for d in self.lattice.d_px]
        spacings = list_in_both_units(lengths, pixel_size_nm, " and ")
        return f"{spacings} at {self.lattice.angle_deg:.1f}°"

    def text(self) -> str:
        """Return the settings as JSON."""
        return json.dumps({"preprocessing": self.settings.to_dict()}, indent=2)

    def restore(self, text: str) -> None:
        """Set the settings from JSON that `text` returned; other text changes nothing."""
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
        """Read settings from a file that `save` wrote."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))["preprocessing"]
        except (OSError, ValueError, KeyError, TypeError):
            self.failed.emit(
                f"{path.name}: no preprocessing settings in this file; select one saved here"
            )
            return
        self.use(values)

    def _on_stages(self, found: Stages) -> None:
        self.stages_found.emit(found)

    def _on_not_measured(self, message: str) -> None:
        self._on_lattice(None)
        self.failed.emit(message)

    def _on_lattice(self, found: Lattice | None) -> None:
        self.lattice, self._is_measuring = found, False
        self.lattice_found.emit()


def _patch(
    pixels: NDArray[np.float32], y: float, x: float, settings: PreprocessingSettings
) -> NDArray[np.float32] | None:
    """Return the patch inside the image whose centre is nearest to a position."""
    height, width = pixels.shape
    size = settings.patch_px
    if min(height, width) < size or not (-0.5 <= y < height and -0.5 <= x < width):
        return None
    top = int(np.clip(round(y) - size // 2, 0, height - size))
    left = int(np.clip(round(x) - size // 2, 0, width - size))
    return pixels[top : top + size, left : left + size]
