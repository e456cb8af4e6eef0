"""Find and measure crystal defects in atomic-resolution STEM images.

Six verbs are the whole public surface::

    import napari_stem_defects as sd

    micrograph = sd.read("lamella.dm4")
    result = sd.detect(micrograph)

Each is imported on first use, so that importing the package is quick and loads neither torch,
Qt nor napari.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_stem_defects.core.preprocessing import stages as preprocess
    from napari_stem_defects.core.simulation import simulate
    from napari_stem_defects.engine.detection import detect
    from napari_stem_defects.engine.learning import evaluate_files as evaluate
    from napari_stem_defects.engine.learning import train_files as train
    from napari_stem_defects.files.reading import read

__version__ = "0.1.0"
DEFAULT_MODEL = "cdte-110"
__all__ = [
    "DEFAULT_MODEL",
    "__version__",
    "detect",
    "evaluate",
    "preprocess",
    "read",
    "simulate",
    "train",
]

_VERBS = {
    "read": ("files.reading", "read"),
    "preprocess": ("core.preprocessing", "stages"),
    "simulate": ("core.simulation", "simulate"),
    "train": ("engine.learning", "train_files"),
    "evaluate": ("engine.learning", "evaluate_files"),
    "detect": ("engine.detection", "detect"),
}


def __getattr__(name: str) -> Any:
    """Import a verb when it is first asked for."""
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _VERBS[name]
    return getattr(import_module(f"{__name__}.{module}"), function)


def __dir__() -> list[str]:
    return sorted(__all__)
