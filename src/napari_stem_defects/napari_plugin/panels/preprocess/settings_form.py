"""Form with the parameters of the preprocessing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QSpinBox
from superqt.utils import signals_blocked

from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.slider import Slider
from napari_stem_defects.preprocessing.settings import (
    IMAGE_REPRESENTATIONS,
    PreprocessingSettings,
    Window,
)

if TYPE_CHECKING:
    from qtpy.QtWidgets import QFormLayout

# Name of the parameter, label, range, decimals, tooltip.
_SLIDERS = (
    ("smoothing_px", "Smoothing", (0.0, 5.0), 1, "Width of the Gaussian smoothing in"
     " px; 0 turns it off"),
    ("background_px", "Background", (2.0, 60.0), 0, "Width in px of the Gaussian blur that is"
     " subtracted as background"),
    ("contrast_px", "Contrast", (0.0, 100.0), 0, "Width in px over which local contrast is"
     " normalised; 0 turns it off"),
    ("threshold", "Threshold", (0.0, 0.95), 2, "Fraction of the largest log magnitude below"
     " which values are set to 0"),
    ("cutoff", "Cut-off", (0.1, 0.5), 3, "Highest spatial frequency kept, in cycles per px"),
)  # fmt: skip
_OPTIONS = (
    ("window", "Window", get_args(Window), "Window function of the FFT: hann weights the"
     " centre of the patch, none is as in Marvin et al."),
    ("representation", "Network input", IMAGE_REPRESENTATIONS, "Input of the networks:"
     " thresholded spectrum, filtered patch, or both"),
)  # fmt: skip


class SettingsForm(QObject):
    """Adds a row for each parameter to a form.

    Parameters
    ----------
    form : QFormLayout
        Receives the rows.
    """

    changed = Signal(str, object)
    """The user has changed a parameter: its name and value."""

    def __init__(self, form: QFormLayout) -> None:
        super().__init__()
        self._controls: dict[str, Any] = {}
        for slider in _SLIDERS:
            self._add_slider(form, *slider)
        for option in _OPTIONS:
            self._add_option(form, *option)
        self._add_patch_size(form)

    def set_settings(self, settings: PreprocessingSettings) -> None:
        """Show settings without emitting `changed`."""
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

    def _add_option(
        self, form: QFormLayout, name: str, title: str, options: tuple[str, ...], tooltip: str
    ) -> None:
        combo = named(QComboBox(), name, tooltip)
        combo.addItems(options)
        combo.currentTextChanged.connect(partial(self.changed.emit, name))
        form.addRow(title, combo)
        self._controls[name] = combo

    def _add_patch_size(self, form: QFormLayout) -> None:
        spin = named(
            QSpinBox(), "patch_px", "Edge of the patches that the networks classify, in px"
        )
        spin.setRange(16, 256)
        spin.setSingleStep(2)
        spin.setSuffix(" px")
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(partial(self.changed.emit, "patch_px"))
        form.addRow("Patch", spin)
        self._controls["patch_px"] = spin
