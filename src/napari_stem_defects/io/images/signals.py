"""The signals of a file, what each is, and which of them is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.io.images.convert import RawImage

SignalChoice = str | int | None
"""Name of a signal, its number from 0, or None for the default."""

# Above this many nm per px no lattice is resolved: a survey image beside the one of interest.
_ATOMIC_NM = 0.1
_SURVEYS = ("survey", "overview", "thumbnail", "navigator", "navigation", "preview")
_ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se"
    " Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb"
    " Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am"
)
# "Fe", "Fe-EELS", "O K", "Ti-Kα1": the counts of one element, named by it and the line.
_MAP_OF_ELEMENT = re.compile(
    rf"(?:{'|'.join(_ELEMENTS.split())})(?:[-_ ]+(?:EELS|EDS|EDX|map|[KLM][αβγabc]?[\d,]*))*"
)
# Differences of the segments of a detector, as Velox names them; iDPC is an image of the columns.
_DIFFERENCES = {"a-c", "b-d", "dpc", "ddpc"}
# An image of less than a quarter of the largest area is no alternative to it.
_SMALL_SHARE = 0.25
_MOST_NAMED = 6


@dataclass(frozen=True)
class SignalInfo:
    """A signal of a file, without its pixels.

    Attributes
    ----------
    title : str
        Its name in the file.
    shape : tuple of int
        (Y, X) or (T, Y, X) where it can be read; else as stored.
    dtype : str
        Type of the stored numbers.
    pixel_nm : (height, width), or None
        Size of a pixel in nm.
    fault : str
        Why it cannot be read as a micrograph; empty if it can.
    advice : str
        What to do about the fault.
    is_raw : bool
        False for 8-bit and colour copies, which programs save beside the raw image with marks.

    Examples
    --------
    >>> import numpy as np
    >>> np.savez("both.npz", haadf=np.ones((64, 96)), spectrum=np.ones(100))
    >>> image, spectrum = sd.list_signals("both.npz")
    >>> image.title, image.shape, spectrum.fault
    ('haadf', (64, 96), 'is a single row of numbers (a spectrum?)')
    """

    title: str
    shape: tuple[int, ...]
    dtype: str
    pixel_nm: tuple[float, float] | None = None
    fault: str = ""
    advice: str = ""
    is_raw: bool = True

    @property
    def area(self) -> int:
        """Number of pixels of a frame."""
        return self.shape[-2] * self.shape[-1] if len(self.shape) > 1 else 0

    @property
    def is_survey(self) -> bool:
        """Whether the pixels are too big to resolve a lattice, or the name states it."""
        if any(word in self.title.casefold() for word in _SURVEYS):
            return True
        return self.pixel_nm is not None and max(self.pixel_nm) > _ATOMIC_NM

    @property
    def is_map(self) -> bool:
        """Whether the name is that of an element or of a difference of detector segments."""
        title = re.sub(r" \d+$", "", self.title.strip())  # the number of a second one of that name
        is_element = _MAP_OF_ELEMENT.fullmatch(title) is not None
        return is_element or title.casefold() in _DIFFERENCES


@dataclass(frozen=True)
class StoredSignal:
    """A signal of a file with the function that reads its pixels."""

    info: SignalInfo
    load: Callable[[], RawImage]


@dataclass(frozen=True)
class ChosenSignal:
    """The signal that is read.

    Attributes
    ----------
    number : int
        Its place in the file, from 0.
    reason : str
        Why it is this one.
    note : str
        One sentence for the user; empty where the file holds nothing else.
    """

    number: int
    reason: str
    note: str = ""


def with_unique_titles(signals: Sequence[StoredSignal]) -> list[StoredSignal]:
    """Add numbers to signals of the same name, so that each can be chosen by its own.

    Parameters
    ----------
    signals : sequence of StoredSignal
        In the order of the file.

    Returns
    -------
    list of StoredSignal
        The second ``HAADF`` is called ``HAADF 2``.
    """
    seen: dict[str, int] = {}
    found = []
    for signal in signals:
        title = signal.info.title
        seen[title] = seen.get(title, 0) + 1
        named = title if seen[title] == 1 else f"{title} {seen[title]}".strip()
        found.append(replace(signal, info=replace(signal.info, title=named)))
    return found


def choose_signal(
    path: Path, signals: Sequence[SignalInfo], wanted: SignalChoice = None
) -> ChosenSignal:
    """Choose the signal that is read.

    By default that is, of the images in real space: one of a detector before maps of elements and
    differences of detector segments; one that may resolve a lattice before a survey image; one of
    at least a quarter of the largest area; one called HAADF; the raw numbers before an 8-bit or
    colour copy; the largest; the first.

    Parameters
    ----------
    path : Path
        The file, for messages.
    signals : sequence of SignalInfo
    wanted : str, int or None
        Name, or number from 0; part of a name will do where only one signal has it.

    Returns
    -------
    ChosenSignal

    Raises
    ------
    ReadError
        The file has no such signal, or that one (by default: each one) is no micrograph.
    """
    if not signals:
        advice = "save one with its scale in nm from the program that wrote it"
        raise ReadError(one_line(path, "holds no image", advice))
    readable = [number for number, signal in enumerate(signals) if not signal.fault]
    if wanted is not None:
        number = _find(path, signals, wanted)
        reason = "as chosen"
    elif not readable:
        number, reason = 0, ""
    else:
        ranks = {number: _rank(signals[number], signals, readable) for number in readable}
        number = max(readable, key=lambda each: ranks[each])
        reason = _reason(number, ranks)
    chosen = signals[number]
    if chosen.fault:
        raise ReadError(one_line(path, chosen.fault, chosen.advice or _advice(signals, readable)))
    return ChosenSignal(number, reason, _note(number, reason, signals))


def _advice(signals: Sequence[SignalInfo], readable: Sequence[int]) -> str:
    if not readable:
        return "save it as an image (HAADF, ADF, BF) with its scale in nm"
    return f"choose another signal, such as {readable[0]} {signals[readable[0]].title}"


def _rank(
    signal: SignalInfo, signals: Sequence[SignalInfo], readable: Sequence[int]
) -> tuple[bool, bool, bool, bool, bool, int]:
    others = [signals[number] for number in readable]
    alike = [each for each in others if each.is_map == signal.is_map and not each.is_survey]
    largest = max((each.area for each in alike), default=0)
    return (
        not signal.is_map,
        not signal.is_survey,
        signal.area >= _SMALL_SHARE * largest,
        "HAADF" in signal.title.upper(),
        signal.is_raw,
        signal.area,
    )


def _reason(number: int, ranks: dict[int, tuple[bool, bool, bool, bool, bool, int]]) -> str:
    """Return the first criterion that sets a signal apart from others that could be read."""
    others = [rank for each, rank in ranks.items() if each != number]
    texts = (
        "of a detector, not a map or difference",
        "at atomic scale",
        "",
        "HAADF",
        "raw numbers, not an 8-bit or colour copy",
        "the largest",
    )
    if not others:
        return "the only image"
    own = ranks[number]
    found = [text for i, text in enumerate(texts) if any(own[i] > other[i] for other in others)]
    return ", ".join(text for text in found if text) or "the first of equal ones"


def _note(number: int, reason: str, signals: Sequence[SignalInfo]) -> str:
    if len(signals) == 1:
        return ""
    others = [signal.title or "unnamed" for i, signal in enumerate(signals) if i != number]
    listed = ", ".join(others[:_MOST_NAMED]) + (", ..." if len(others) > _MOST_NAMED else "")
    name = signals[number].title or "unnamed"
    return f"Of {len(signals)} signals {name!r} was read ({reason}), not {listed}."


def _find(path: Path, signals: Sequence[SignalInfo], wanted: str | int) -> int:
    if isinstance(wanted, bool) or not isinstance(wanted, str | int):
        raise InputError(f"signal {wanted!r} is neither a name nor a number from 0")
    text = str(wanted).strip().casefold()
    titles = [signal.title.strip().casefold() for signal in signals]
    for same in ([i for i, t in enumerate(titles) if t == text], _with_number(text, len(signals))):
        if len(same) == 1:
            return same[0]
    parts = [i for i, title in enumerate(titles) if text and not text.isdecimal() and text in title]
    if len(parts) == 1:
        return parts[0]
    known = ", ".join(f"{i} {signal.title}".strip() for i, signal in enumerate(signals))
    fault = f"has {'several signals' if parts else 'no signal'} {str(wanted)[:40]!r}"
    raise ReadError(one_line(path, fault, f"there are: {known}"[:110]))


def _with_number(text: str, count: int) -> list[int]:
    return [int(text)] if text.isdecimal() and len(text) < 9 and int(text) < count else []
