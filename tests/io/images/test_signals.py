from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.signals import (
    SignalInfo,
    StoredSignal,
    choose_signal,
    with_unique_titles,
)

PATH = Path("a.emd")


def info(title: str, edge: int = 100, nm: float | None = None, **more: Any) -> SignalInfo:
    pixel = None if nm is None else (nm, nm)
    return SignalInfo(title, (edge, edge), "uint16", pixel, **more)


@pytest.mark.parametrize(
    ("signals", "number", "reason"),
    [
        ([info("BF"), info("HAADF")], 1, "HAADF"),
        ([info("HAADF", 100, 2.0), info("ABF", 400, 0.02)], 1, "at atomic scale, the largest"),
        ([info("HAADF", 4000, 2.0), info("ABF", 400, 0.02)], 1, "at atomic scale"),
        ([info("HAADF survey", 4000), info("BF", 400)], 1, "at atomic scale"),
        ([info("HAADF", 64), info("BF", 1024)], 1, "the largest"),
        ([info("HAADF", 700), info("BF", 1024)], 0, "HAADF"),
        ([info("a", is_raw=False), info("b")], 1, "raw numbers, not an 8-bit or colour copy"),
        ([info("a", 400), info("b", 500)], 1, "the largest"),
        ([info("a"), info("b")], 0, "the first of equal ones"),
        ([info("Fe-EELS"), info("DF-S", 100, 159.0)], 1, "of a detector, not a map or difference"),
        ([info("O"), info("Ti-Kα1"), info("BF", 64)], 2, "of a detector, not a map or difference"),
        (
            [info("A-C"), info("DPC"), info("iDPC"), info("DF4-A")],
            2,
            "of a detector, not a map or difference",
        ),
        ([info("Fe 2"), info("BF")], 1, "of a detector, not a map or difference"),
        ([info("Sr L", 64), info("O K", 512)], 1, "the largest"),
        ([info("Survey 4"), info("Cs-corrected")], 1, "at atomic scale"),
        ([info("EDS", 999, fault="holds a spectrum"), info("b")], 1, "the only image"),
    ],
)
def test_the_default(signals: list[SignalInfo], number: int, reason: str) -> None:
    chosen = choose_signal(PATH, signals)
    assert (chosen.number, chosen.reason) == (number, reason)
    assert chosen.note.startswith(f"Of {len(signals)} signals '{signals[number].title}' was read")


def test_one_signal_needs_no_note() -> None:
    assert choose_signal(PATH, [info("HAADF")]).note == ""


SIGNALS = [info("HAADF"), info("DF4"), info("DF2"), info("Fourier", fault="holds a transform")]


@pytest.mark.parametrize(
    ("wanted", "number"), [("haadf", 0), ("DF4", 1), ("2", 2), (2, 2), ("HAA", 0), (0, 0)]
)
def test_a_signal_is_chosen_by_name_number_or_part_of_a_name(
    wanted: str | int, number: int
) -> None:
    assert choose_signal(PATH, SIGNALS, wanted).number == number


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("ABF", "no signal 'ABF'; there are: 0 HAADF, 1 DF4, 2 DF2, 3 Fourier"),
        ("DF", "several signals 'DF'"),
        (4, "no signal '4'"),
        (-1, "no signal '-1'"),
        ("9" * 5000, "no signal"),
        ("", "no signal"),
        ("Fourier", "holds a transform; choose another signal, such as 0 HAADF"),
    ],
)
def test_what_is_no_choice_is_one_line(wanted: str | int, words: str) -> None:
    with pytest.raises(ReadError) as caught:
        choose_signal(PATH, SIGNALS, wanted)
    assert words in str(caught.value)
    assert len(str(caught.value)) <= 200


def test_a_wrong_type_is_refused() -> None:
    with pytest.raises(InputError, match="neither a name nor a number"):
        choose_signal(PATH, SIGNALS, 1.5)  # type: ignore[arg-type]


def test_a_file_without_images_is_refused() -> None:
    with pytest.raises(ReadError, match="holds no image"):
        choose_signal(PATH, [])
    with pytest.raises(ReadError, match="holds a transform; save it as an image"):
        choose_signal(PATH, SIGNALS[3:])


def test_equal_names_are_numbered() -> None:
    stored = [StoredSignal(info(name), lambda: RawImage(None)) for name in ("a", "b", "a", "a")]
    assert [each.info.title for each in with_unique_titles(stored)] == ["a", "b", "a 2", "a 3"]
