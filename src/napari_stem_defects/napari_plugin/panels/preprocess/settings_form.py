"""Controls for the parameters of the preprocessing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QSpinBox
from superqt.utils import signals_blocked

from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.slider import Slider
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
    Representation,
    Window,
)

if TYPE_CHECKING:
    from qtpy.QtWidgets import QFormLayout

# Parameter, its label, range, decimals, what it does.
_SLIDERS = (
    ("smoothing_px", "Smoothing", (0.0, 5.0), 1, "Light Gaussian smoothing, px; 0 leaves it out"),
    ("background_px", "Background", (2.0, 60.0), 0, "Width of the blur that is taken for the"
     " background and subtracted, px"),
    ("contrast_px", "Contrast", (0.0, 100.0), 0, "Local contrast is evened out over this many px;"
     " 0 leaves it out"),
    ("threshold", "Threshold", (0.0, 0.95), 2, "Log magnitudes below this share of the largest"
     " one become 0"),
    ("cutoff", "Cut-off", (0.1, 0.5), 3, "Highest spatial frequency that is kept, cycles per px"),
)  # fmt: skip
_CHOICES = (
    ("window", "Window", get_args(Window), "Weight over the patch: hann lets the FFT speak of"
     " the patch's centre, none is the paper's"),
    ("representation", "Network sees", get_args(Representation), "The thresholded spectrum, the"
     " flattened patch, or both"),
)  # fmt: skip


class SettingsForm(QObject):
    """Adds one row per parameter to a form and keeps them equal to the settings.

    Parameters
    ----------
    form : QFormLayout
        Where the rows go.
    """

    changed = Signal(str, object)
    """A parameter was changed by the user: its name and value."""

    def __init__(self, form: QFormLayout) -> None:
        super().__init__()
        self._controls: dict[str, Any] = {}
        for slider in _SLIDERS:
            self._add_slider(form, *slider)
        for choice in _CHOICES:
            self._add_choice(form, *choice)
        self._add_patch_size(form)

    def put(self, settings: PreprocessingSettings) -> None:
        """Show these settings."""
        for name, value in settings.to_dict().items():
            control = self._controls[name]
            with signals_blocked(control):
                if isinstance(control, QComboBox):
                    control.setCurrentText(value)
                else:
                    control.setValue(value)

    def _add_slider(
        self,
        form: QFormLayout,
        name: str,
        title: str,
        limits: tuple[float, float],
        decimals: int,
        tooltip: str,
    ) -> None:
        slider = named(Slider(limits, decimals), name, tooltip)
        slider.valueChanged.connect(partial(self.changed.emit, name))
        form.addRow(title, slider)
        self._controls[name] = slider

    def _add_choice(
        self, form: QFormLayout, name: str, title: str, choices: tuple[str, ...], tooltip: str
    ) -> None:
        box = named(QComboBox(), name, tooltip)
        box.addItems(choices)
        box.currentTextChanged.connect(partial(self.changed.emit, name))
        form.addRow(title, box)
        self._controls[name] = box

    def _add_patch_size(self, form: QFormLayout) -> None:
        spin = named(QSpinBox(), "patch_px", "Edge of the window the network sees, px")
        spin.setRange(16, 256)
        spin.setSingleStep(2)
        spin.setSuffix(" px")
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(partial(self.changed.emit, "patch_px"))
        form.addRow("Patch", spin)
        self._controls["patch_px"] = spin
