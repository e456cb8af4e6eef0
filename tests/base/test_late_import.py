"""Functions are imported when they are called."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.base.lengths import both_units


def test_the_function_of_a_module_is_returned() -> None:
    assert function_of("base.lengths", "both_units") is both_units


def test_a_wrong_name_is_an_error_of_this_package() -> None:
    with pytest.raises(AttributeError):
        function_of("base.lengths", "nothing")
    with pytest.raises(ModuleNotFoundError):
        function_of("base.nothing", "both_units")
