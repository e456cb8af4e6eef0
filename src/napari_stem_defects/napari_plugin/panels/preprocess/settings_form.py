"""Form with the parameters of the preprocessing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox
from superqt.utils import signals_blocked

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label, set_tooltip
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
    ("smoothing_px", "Smoothing", (0.0, 5.0), 1, "Width of the Gaussian smoothing;"
     " 0 turns it off"),
    ("background_px", "Background", (2.0, 60.0), 0, "Width of the Gaussian blur that is"
     " subtracted as background"),
    ("contrast_px", "Contrast", (0.0, 100.0), 0, "Width over which local contrast is"
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
        self._lengths: dict[str, str] = {}
        self._pixel_size_nm: float | None = None
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
        self._show_lengths()

    def set_pixel_size(self, pixel_size_nm: float | None) -> None:
        """State lengths in nm, too, by the pixel size of the image; None if it is not known."""
        self._pixel_size_nm = pixel_size_nm
        self._show_lengths()

    def _show_lengths(self) -> None:
        """State each length in px and nm in the tooltip of its control, and the patch beside it."""
        for name, tooltip in self._lengths.items():
            control = self._controls[name]
            value = both_units(round(control.value(), 2), self._pixel_size_nm)
            set_tooltip(control, f"{tooltip}\nNow {value}")
        size = self._pixel_size_nm
        self._patch_nm.setText("" if size is None else f"{self._patch.value() * size:.3g} nm")

    def _on_length(self, name: str, value: object) -> None:
        self._show_lengths()
        self.changed.emit(name, value)

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
        if name.endswith("_px"):
            self._lengths[name] = tooltip
            slider.valueChanged.connect(partial(self._on_length, name))
        else:
            slider.valueChanged.connect(partial(self.changed.emit, name))
        form.addRow(title, slider)
        self._controls[name] = slider

    def _add_option(
        self, form: QFormLayout, name: str, title: str, options: tuple[str, ...], tooltip: str
    ) -> None:
        combo = named(Choice(), name, tooltip)
        combo.addItems(options)
        combo.currentTextChanged.connect(partial(self.changed.emit, name))
        form.addRow(title, combo)
        self._controls[name] = combo

    def _add_patch_size(self, form: QFormLayout) -> None:
        spin = named(QSpinBox(), "patch_px", "Edge of the patches that the networks classify")
        spin.setRange(16, 256)
        spin.setSingleStep(2)
        spin.setSuffix(" px")
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(partial(self._on_length, "patch_px"))
        self._patch, self._patch_nm = spin, named(plain_label(), "patch_nm", "Patch in nm")
        row = QHBoxLayout()
        row.addWidget(spin, 1)
        row.addWidget(self._patch_nm)
        form.addRow("Patch", row)
        self._controls["patch_px"], self._lengths["patch_px"] = spin, spin.toolTip()
