"""The version of the package."""

from __future__ import annotations

import re

import napari_stem_defects
from napari_stem_defects.base.version import __version__


def test_the_version_is_public_and_has_three_numbers() -> None:
    assert napari_stem_defects.__version__ == __version__
    assert re.match(r"\d+\.\d+\.\d+", __version__)
