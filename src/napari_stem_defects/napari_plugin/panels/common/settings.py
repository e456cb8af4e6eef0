"""Choices that a window finds again the next time, kept by napari's plugin settings.

They are declared in the manifest under ``configurations`` and appear in napari's preferences.
napari before 0.9 has no such settings; choices then last as long as the application.
"""

from __future__ import annotations

import logging
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

_PLUGIN = "napari-stem-defects"
_logger = logging.getLogger(__name__)

CATEGORIES = ("detect", "train", "label", "preprocess")


def settings(category: str) -> Any:
    """Return the settings of a window: one attribute per choice."""
    return getattr(_all(), category)


@cache
def _all() -> Any:
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings(_PLUGIN)
    except (ImportError, KeyError):
        return SimpleNamespace(**{name: SimpleNamespace() for name in CATEGORIES})


def remember(category: str, *controls: QWidget) -> None:
    """Set controls to what they were last time, and keep what they become.

    Parameters
    ----------
    category : str
        The window, a category of the manifest's configurations.
    controls : QWidget
        Spin boxes, combo boxes and check boxes, called like their settings.
    """
    kept = settings(category)
    for control in controls:
        name = control.objectName()
        signal, put = _access(control)
        if (value := getattr(kept, name, None)) not in (None, ""):
            put(value)
        signal.connect(lambda value, name=name: keep(category, name, value))


def keep(category: str, name: str, value: object) -> None:
    """Keep one choice; what the settings refuse is as it was."""
    try:
        setattr(settings(category), name, value)
    except (ValueError, OSError) as error:
        _logger.warning("%s.%s is not remembered: %s", category, name, error)


def _access(control: QWidget) -> tuple[Any, Callable[[Any], object]]:
    if isinstance(control, QSpinBox):
        return control.valueChanged, control.setValue
    if isinstance(control, QComboBox):
        return control.currentTextChanged, control.setCurrentText
    if isinstance(control, QCheckBox):
        return control.toggled, control.setChecked
    raise TypeError(f"{type(control).__name__} cannot be remembered")
