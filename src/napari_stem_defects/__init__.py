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
    from napari_stem_defects.api.detect import detect
    from napari_stem_defects.api.train import evaluate_files as evaluate
    from napari_stem_defects.api.train import train_files as train
    from napari_stem_defects.io.images.read import read
    from napari_stem_defects.preprocessing.pipeline import stages as preprocess
    from napari_stem_defects.simulation.simulate import simulate

from napari_stem_defects.base.defaults import DEFAULT_MODEL
from napari_stem_defects.base.version import __version__

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
    "read": ("io.images.read", "read"),
    "preprocess": ("preprocessing.pipeline", "stages"),
    "simulate": ("simulation.simulate", "simulate"),
    "train": ("api.train", "train_files"),
    "evaluate": ("api.train", "evaluate_files"),
    "detect": ("api.detect", "detect"),
}


def __getattr__(name: str) -> Any:
    """Import a verb when it is first asked for."""
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _VERBS[name]
    return getattr(import_module(f"{__name__}.{module}"), function)


def __dir__() -> list[str]:
    return sorted(__all__)
