"""Types of options, and options that several commands share."""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, cast

from napari_stem_defects.base.paths import to_path
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.base.search_area import SearchArea

_MOST_NUMBERS = 1_000_000
_NUMBER_AND_MORE = re.compile(r"(\d+(?:[.,]\d+)?)\s*[A-Za-zµåÅ]*")
"""With a decimal comma, or with a unit, which options state themselves."""
DEVICES = ("auto", "cpu", "cuda", "mps")


def add_signal(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a signal in files that hold several."""
    parser.add_argument(
        "--signal",
        metavar="NAME|N",
        help="of files with several signals, this one (`stem-defects info FILE` lists them)",
    )


def positive_int(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def file_or_folder(text: str) -> Path:
    """Read a file or folder; ``~`` is the user's, also where the shell leaves it as it is."""
    try:
        return to_path(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_float(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        fault = f"{text!r} is not a number above 0"
        if number := _NUMBER_AND_MORE.fullmatch(text):
            fault += f"; write {number[1].replace(',', '.')}"
        raise argparse.ArgumentTypeError(fault)
    return value


def seed(text: str) -> int:
    """Read a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Read names separated by commas, each once."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def names_or_none(text: str) -> tuple[str, ...]:
    """Read names separated by commas; ``none`` is an empty tuple."""
    return () if text == "none" else names(text)


def epochs(text: str) -> dict[str, int]:
    """Read ``CLASS=N,CLASS=N``."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form CLASS=N,CLASS=N")
    _check_once(name.strip() for name, _, _ in pairs)
    return {name.strip(): positive_int(number.strip()) for name, _, number in pairs}


def kinds(text: str) -> dict[str, Kind]:
    """Read ``CLASS=KIND,CLASS=KIND``; kinds are point, line and area."""
    from napari_stem_defects.base.defect_classes import check_kind

    pairs = [part.rpartition("=") for part in text.split(",")]
    found = {name.strip(): cast("Kind", kind.strip()) for name, _, kind in pairs}
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form CLASS=KIND,CLASS=KIND")
    _check_once(name.strip() for name, _, _ in pairs)
    try:
        for name, kind in found.items():
            check_kind(name, kind)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers from 0 on and ranges ``START:STOP`` of them, each number once."""
    found: dict[int, None] = {}
    for part in (part.strip() for part in text.split(",")):
        start, is_range, stop = part.partition(":")
        if not (start.isdecimal() and (stop.isdecimal() if is_range else True)):
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form N,N or START:STOP")
        numbers = range(int(start), int(stop) if is_range else int(start) + 1)
        if not 0 < len(numbers) <= _MOST_NUMBERS:
            raise argparse.ArgumentTypeError(f"{part!r} holds no number, or too many")
        found.update(dict.fromkeys(numbers))
    return tuple(found)


def area(text: str) -> SearchArea:
    """Read ``TOP,LEFT,BOTTOM,RIGHT`` or outlines, ``Y,X Y,X Y,X;...``."""
    from napari_stem_defects.base.search_area import SearchArea

    try:
        return SearchArea.parse(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def thresholds(text: str) -> dict[str, float]:
    """Read ``CLASS=P,CLASS=P``."""
    pairs = [part.rpartition("=") for part in text.split(",")]
    try:
        found = {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        found = {"": 0.0}
    if not all(name and 0 < value <= 1 for name, value in found.items()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form CLASS=P,CLASS=P, P above 0 to 1"
        )
    _check_once(name.strip() for name, _, _ in pairs)
    return found


def _check_once(classes: Iterable[str]) -> None:
    for name, count in Counter(classes).items():
        if count > 1:
            raise argparse.ArgumentTypeError(f"{name} is given {count} times; give it once")


def add_out(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the required ``--out DIR``."""
    parser.add_argument("--out", type=file_or_folder, required=True, metavar="DIR", help=what)


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Add ``--pictures``: which pictures of stacks are drawn."""
    parser.add_argument(
        "--pictures",
        choices=("all", "summary", "none"),
        default="summary",
        help="of stacks: a page of every frame, of up to 50 frames with defects (default), or none",
    )


def add_pixel_size(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--pixel-size NM``."""
    parser.add_argument("--pixel-size", type=positive_float, metavar="NM", help=what)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="where to compute (default: auto)"
    )


def add_stride(parser: argparse.ArgumentParser) -> None:
    """Add the step between windows."""
    parser.add_argument(
        "--stride",
        type=positive_int,
        metavar="N",
        help="px between windows at the model's pixel size (default: set by the model, at most 8)",
    )


def add_contrast(parser: argparse.ArgumentParser) -> None:
    """Add the contrast of the columns."""
    parser.add_argument(
        "--contrast",
        choices=("auto", "bright", "dark"),
        default="auto",
        help="columns bright, or dark as in bright field; inverted where the model was trained on"
        " the other contrast; default: as the image shows",
    )


def add_thresholds(parser: argparse.ArgumentParser) -> None:
    """Add the thresholds of the classes."""
    parser.add_argument(
        "--thresholds",
        type=thresholds,
        default={},
        metavar="CLASS=P,...",
        help="probabilities from which a class is assigned, instead of the model's",
    )
