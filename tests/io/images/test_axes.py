from __future__ import annotations

import pytest

from napari_stem_defects.io.images.axes import Axis, arrange


def axes(*sizes: int, names: str = "", signal: tuple[bool | None, ...] = ()) -> list[Axis]:
    labels = names.split() or [""] * len(sizes)
    kinds = signal or (None,) * len(sizes)
    return [Axis(*each[:2], is_signal=each[2]) for each in zip(sizes, labels, kinds, strict=True)]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        ("y x", (0, 1)),
        ("x y", (1, 0)),
        ("X Y", (1, 0)),
        ("R_x R_y", (1, 0)),
        ("width height", (1, 0)),
        ("a b", (0, 1)),
        ("x x", (0, 1)),
    ],
)
def test_names_decide_what_is_a_row(names: str, order: tuple[int, ...]) -> None:
    assert arrange(axes(70, 80, names=names)).order == order


@pytest.mark.parametrize(
    ("names", "order"), [("t y x", (0, 1, 2)), ("y x t", (2, 0, 1)), ("x y time", (2, 1, 0))]
)
def test_frames_are_what_is_left(names: str, order: tuple[int, ...]) -> None:
    found = arrange(axes(70, 80, 90, names=names))
    assert (found.order, found.fault, found.note) == (order, "", "")


def test_the_signal_has_the_last_word_where_there_are_no_names() -> None:
    found = arrange(axes(70, 80, 9, signal=(True, True, False)))
    assert (found.order, found.fault) == ((2, 0, 1), "")


def test_frames_that_are_assumed_are_stated() -> None:
    found = arrange(axes(9, 70, 80))
    assert found.order == (0, 1, 2)
    assert found.note == "The first of its axes (9 x 70 x 80) was taken for frames."


def test_axes_of_length_one_do_not_count() -> None:
    assert arrange(axes(1, 70, 80)).order == (1, 2)
    assert arrange(axes(5, 1, 70, 80, names="t c y x")).order == (0, 2, 3)


@pytest.mark.parametrize("shape", [(70, 80, 3), (64, 64, 16), (500, 400, 32)])
def test_channels_in_the_last_place_are_refused(shape: tuple[int, ...]) -> None:
    assert f"{shape[2]} per place rather than frames" in arrange(axes(*shape)).fault
    assert arrange(axes(*shape, names="time y x")).fault == ""


def test_one_axis_of_signal_is_a_spectrum() -> None:
    assert "spectrum" in arrange(axes(70, 80, 128, signal=(False, False, True))).fault
    assert "spectrum" in arrange(axes(128)).fault
    energy = [Axis(70, "y"), Axis(80, "x"), Axis(9, "E", unit="eV")]
    assert "spectrum" in arrange(energy).fault


def test_four_axes_are_refused_with_their_sizes() -> None:
    assert "4 axes (3 x 4 x 8 x 9), as of 4D-STEM" in arrange(axes(3, 4, 8, 9)).fault


@pytest.mark.parametrize("unit", ["1/nm", "mrad", "$A^{-1}$"])
def test_reciprocal_units_and_names_are_diffraction(unit: str) -> None:
    assert "diffraction" in arrange([Axis(8, "y", unit=unit), Axis(9, "x", unit=unit)]).fault
    assert "diffraction" in arrange([Axis(8, "ky"), Axis(9, "kx")]).fault
