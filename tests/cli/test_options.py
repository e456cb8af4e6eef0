"""Types of options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.cli import options
from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    pass


def test_epochs_and_names_are_read() -> None:
    assert options.epochs("Bulk=3, SF1=9") == {"Bulk": 3, "SF1": 9}
    assert options.names("A, B,A") == ("A", "B")
    assert options.names_or_none("none") == ()


@pytest.mark.parametrize("option", ["--thresholds SF1=0.5,SF1=0.9", "--epochs SF1=2,SF1=3"])
def test_a_class_given_twice_is_one_line_and_2(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = "detect" if "thresholds" in option else "train"
    with pytest.raises(SystemExit) as caught:
        main([verb, "a.tif", "--out", "o.safetensors", *option.split()])
    assert caught.value.code == 2
    assert "SF1 is given 2 times" in capsys.readouterr().err


def test_numbers_and_ranges_are_read() -> None:
    assert options.numbers("3, 1,3") == (3, 1)
    assert options.numbers("0:3,2,7") == (0, 1, 2, 7)


@pytest.mark.parametrize("text", ["", "1,", "a", "-1", "3:", ":3", "3:3", "4:2", "1:2:3", "0:9e9"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        options.numbers(text)
    with pytest.raises(argparse.ArgumentTypeError, match="too many"):
        options.numbers("0:10000000")


@pytest.mark.parametrize(
    ("text", "meant"), [("0,02", "0.02"), ("0.02nm", "0.02"), ("20 pm", "20"), ("0,2 Å", "0.2")]
)
def test_a_decimal_comma_or_a_unit_is_explained(text: str, meant: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"is not a number above 0; write {meant}"):
        options.positive_float(text)


@pytest.mark.parametrize("text", ["nan", "-1", "1,2,3", "a"])
def test_other_texts_have_no_explanation(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"above 0$"):
        options.positive_float(text)
