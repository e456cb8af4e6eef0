"""Settings that persist between sessions, stored by napari.

They are declared in the manifest under ``configurations`` and appear in napari's preferences.
napari before 0.9 has no plugin settings; values then last until the application exits.
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
    """Return the settings of a panel.

    Parameters
    ----------
    category : str
        One of `CATEGORIES`.

    Returns
    -------
    object
        One attribute per setting.
    """
    return getattr(_all(), category)


@cache
def _all() -> Any:
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings(_PLUGIN)
    except (ImportError, KeyError):
        return SimpleNamespace(**{name: SimpleNamespace() for name in CATEGORIES})


def bind_settings(category: str, *controls: QWidget) -> None:
    """Set controls to their stored values and store every change of them.

    Parameters
    ----------
    category : str
        One of `CATEGORIES`: a panel, as in the ``configurations`` of the manifest.
    *controls : QWidget
        Spin boxes, combo boxes and check boxes whose object names are those of their settings.

    Raises
    ------
    TypeError
        If a control is of another kind.
    """
    stored = settings(category)
    for control in controls:
        name = control.objectName()
        changed, set_value = _access(control)
        if (value := getattr(stored, name, None)) not in (None, ""):
            set_value(value)
        changed.connect(lambda value, name=name: save_setting(category, name, value))


def save_setting(category: str, name: str, value: object) -> None:
    """Store one value; a value that napari refuses leaves the setting unchanged."""
    try:
        setattr(settings(category), name, value)
    except (ValueError, OSError) as error:
        _logger.warning("setting %s.%s was not stored: %s", category, name, error)


def _access(control: QWidget) -> tuple[Any, Callable[[Any], object]]:
    if isinstance(control, QSpinBox):
        return control.valueChanged, control.setValue
    if isinstance(control, QComboBox):
        return control.currentTextChanged, control.setCurrentText
    if isinstance(control, QCheckBox):
        return control.toggled, control.setChecked
    raise TypeError(f"{type(control).__name__}: only spin, combo and check boxes can be stored")
