"""A signal of a file as a micrograph: which one, its pixels, where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.formats import IMAGE_SUFFIXES, format_of
from napari_stem_defects.io.images.pixel_size import square_pixel
from napari_stem_defects.io.images.signals import (
    SignalChoice,
    SignalInfo,
    StoredSignal,
    choose_signal,
    with_unique_titles,
)
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.io.images.convert import RawImage

# tifffile reads a stack that was cut short as its first frame and only logs one of these.
_CUT_SHORT = ("invalid page offset", "metadata invalid or corrupted")


def stored_signals(path: Path, *, by_frame: bool = False) -> list[StoredSignal]:
    """List the signals of a file with names of their own.

    Parameters
    ----------
    path : Path
    by_frame : bool
        Whether stacks are opened instead of read, where the format allows it; see
        `frames_on_disk`.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        The file is missing, too big or has the wrong suffix.
    Exception
        Any error of a library for a damaged file.
    """
    return with_unique_titles(format_of(path).list_signals(path, by_frame=by_frame))


@dataclass(frozen=True)
class ChosenImage:
    """The signal of a file that is read, not yet converted.

    Attributes
    ----------
    path : Path
    info : SignalInfo
    raw : RawImage
    sha256 : str
        Hash of the file; with the number of the signal where that is not the default.
    note : str
        Which signal was read; "" where the file holds no other.
    is_only : bool
        Whether the file holds no other signal.
    """

    path: Path
    info: SignalInfo
    raw: RawImage
    sha256: str
    note: str
    is_only: bool

    def micrograph(
        self,
        pixels: NDArray[Any],
        invalid: NDArray[Any] | None,
        conversions: Sequence[str],
        messages: Sequence[str],
    ) -> Micrograph:
        """Return the micrograph with these pixels.

        Parameters
        ----------
        pixels, invalid : ndarray, or None
            As of `convert.to_pixels`.
        conversions : sequence of str
            Notes about the conversion.
        messages : sequence of str
            Warnings of the library.

        Returns
        -------
        Micrograph
        """
        raw = self.raw
        pixel_size_nm, size_note = square_pixel(raw.pixel_nm)
        notes = [self.note, *raw.notes, *conversions, size_note]
        stored = {
            "format": format_of(self.path).title,
            "dtype": str(raw.array.dtype),
            "shape": raw.array.shape,
        }
        metadata = {"stored": stored, "reader_messages": list(messages), **raw.metadata}
        return Micrograph(
            pixels,
            name=_name(self.path),
            pixel_size_nm=pixel_size_nm,
            pixel_size_source="unknown" if pixel_size_nm is None else "file",
            invalid=invalid,
            path=self.path,
            sha256=self.sha256,
            metadata=plain(metadata),
            notes=tuple(note for note in notes if note),
            signal="" if self.is_only else self.info.title,
        )


def chosen_image(
    path: Path, signals: Sequence[StoredSignal], signal: SignalChoice, messages: Sequence[str]
) -> ChosenImage:
    """Choose a signal and load it.

    Parameters
    ----------
    path : Path
    signals : sequence of StoredSignal
    signal : str, int or None
        See `signals.choose_signal`.
    messages : sequence of str
        Warnings of the library so far.

    Returns
    -------
    ChosenImage

    Raises
    ------
    ReadError
        There is no such signal, it is no micrograph, or frames are missing.
    Exception
        Any error of a library for a damaged file.
    """
    infos = [each.info for each in signals]
    chosen = choose_signal(path, infos, signal)
    sha256 = hash_of_file(path)
    if signal is not None and chosen.number != choose_signal(path, infos).number:
        # Another image than the one that the file stands for has another identity.
        sha256 = hashlib.sha256(f"{sha256} {chosen.number}".encode()).hexdigest()
    info, raw = infos[chosen.number], signals[chosen.number].load()
    if any(sign in message for sign in _CUT_SHORT for message in messages):
        raise ReadError(one_line(path, "is cut short, frames are missing", "copy it again"))
    return ChosenImage(path, info, raw, sha256, chosen.note, len(signals) == 1)


def _name(path: Path) -> str:
    """Return the name of the file without its suffixes."""
    suffixes = sorted(IMAGE_SUFFIXES, key=len, reverse=True)
    suffix = next(each for each in suffixes if path.name.lower().endswith(each))
    return path.name[: -len(suffix)].removesuffix(".ome")


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files of a folder.

    Parameters
    ----------
    path : Path
        A file or a Zarr folder.

    Returns
    -------
    str
        In hexadecimal digits.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for each in sorted(file for file in path.rglob("*") if file.is_file()):
        with each.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{each.relative_to(path).as_posix()} {part}\n".encode())
    return whole.hexdigest()
