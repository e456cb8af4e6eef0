"""An internal error with one of many images."""

from __future__ import annotations

from napari_stem_defects.base.internal_fault import cause_of, internal_fault


def test_the_cause_is_one_line() -> None:
    assert cause_of(ValueError("two\nlines")) == "ValueError: two lines"
    assert len(cause_of(ValueError("long " * 100))) <= 200


def test_the_image_is_named_and_too_little_memory_is_no_fault_of_the_program() -> None:
    assert internal_fault("a.tif", KeyError("x")) == (
        "a.tif: internal error: KeyError: 'x' (run it alone with --traceback)"
    )
    said = internal_fault("a.tif", MemoryError())
    assert said.startswith("a.tif: not enough memory; ")
    assert "internal" not in said
