"""Controls that are not available state the reason in their tooltip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

_ABOUT = "about"


def enable(control: QWidget, is_available: bool, why_not: str) -> None:
    """Enable or disable a control; where it is disabled, its tooltip ends with the reason.

    Parameters
    ----------
    control : QWidget
        With its tooltip, which is changed here only.
    is_available : bool
    why_not : str
        One short sentence: what is missing, or what to do first.
    """
    control.setEnabled(is_available)
    if control.property(_ABOUT) is None:
        control.setProperty(_ABOUT, control.toolTip())
    about = control.property(_ABOUT)
    set_tooltip(control, about if is_available else f"{about}\n{why_not}")
