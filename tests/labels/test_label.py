"""Labels, classes and frames refuse invalid values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.label import (
    Label,
    LabelClass,
    LabelledFrame,
    check_sha256,
    default_class,
)

IMAGE = "ab" * 32
LABEL = Label("one", IMAGE, 0, 10.0, 20.5, "SF1", author="ada", at="2026-01-01T00:00:00+00:00")
FRAME = LabelledFrame(IMAGE, 0, "image", 100, 120, "cd" * 32, pixel_size_nm=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "position"),
        ({"y": float("nan")}, "not finite"),
        ({"x": float("inf")}, "not finite"),
        ({"frame": -1}, "at least 0"),
        ({"size_px": 0}, "at least 1"),
        ({"source": "rumour"}, "source 'rumour'"),
        ({"image": "../../etc"}, "SHA-256"),
        ({"class_name": "../SF1"}, "class name"),
    ],
)
def test_invalid_labels_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        replace(LABEL, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": -1}, "no pixels"),
        ({"height": 0}, "no pixels"),
        ({"checksum": "abc"}, "SHA-256"),
        ({"pixel_size_nm": 0.0}, "not positive"),
        ({"pixel_size_nm": float("inf")}, "not positive"),
    ],
)
def test_invalid_frames_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        replace(FRAME, **change)


def test_a_hash_is_64_lower_case_hexadecimal_digits() -> None:
    assert check_sha256(IMAGE) == IMAGE
    for text in ("", IMAGE[:-1], IMAGE.upper(), f"{IMAGE}\n"):
        with pytest.raises(LabelError, match="SHA-256"):
            check_sha256(text)


@pytest.mark.parametrize(
    "name", ["", " ", " SF1", "a/b", "a\\b", "a:b", "a\nb", "unknown", "x" * 61]
)
def test_names_that_files_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(LabelError, match="class name"):
        default_class(name)


def test_names_in_any_script_are_fine() -> None:
    assert default_class("Leerstelle β 空孔").name == "Leerstelle β 空孔"


def test_bad_colours_and_keys_are_refused() -> None:
    with pytest.raises(LabelError, match="colour"):
        LabelClass("SF1", "red")
    with pytest.raises(LabelError, match="1 to 9"):
        LabelClass("SF1", "#ff0000", 10)


def test_a_frame_contains_the_points_on_its_pixels() -> None:
    assert FRAME.contains(-0.5, 119.4)
    assert not FRAME.contains(99.6, 0)
    assert not FRAME.contains(0, -0.6)
    assert not FRAME.is_patch
    assert replace(FRAME, height=64, width=64).is_patch
