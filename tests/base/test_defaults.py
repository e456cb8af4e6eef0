"""Defaults of all interfaces."""

from __future__ import annotations

from importlib.resources import files

import napari_stem_defects
from napari_stem_defects.base.defaults import DEFAULT_MODEL


def test_the_default_model_is_included() -> None:
    pretrained = files("napari_stem_defects") / "pretrained"
    assert (pretrained / f"{DEFAULT_MODEL}.safetensors").is_file()
    assert napari_stem_defects.DEFAULT_MODEL == DEFAULT_MODEL
