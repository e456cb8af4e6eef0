"""Functions of the quick worker that read files, apart from all others.

The process that reads a file starts with every command, so it imports no more than the readers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.messages import missing_file, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.io.images.frames_on_disk import FramesOnDisk
    from napari_stem_defects.io.images.open_stack import OpenedStack, StackFrame
    from napari_stem_defects.io.images.signals import SignalChoice
    from napari_stem_defects.io.images.stack_conversion import StackConversion
    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.workers.isolated_read import Signals


def read_micrograph(
    *, path: Path, signal: SignalChoice = None, report: ProgressCallback
) -> Micrograph:
    """Read a signal of a file."""
    from napari_stem_defects.io.images.read import read

    return read(path, signal=signal)


def open_micrograph(
    *, path: Path, whole_bytes: int, signal: SignalChoice = None, report: ProgressCallback
) -> Micrograph | OpenedStack:
    """Read an image or a small stack; open a large stack."""
    from napari_stem_defects.io.images.open_stack import open_micrograph

    return open_micrograph(path, signal, whole_bytes)


def read_frame(
    *,
    path: Path,
    signal: SignalChoice,
    frame: int,
    conversion: StackConversion,
    state: tuple[int, int],
    report: ProgressCallback,
) -> StackFrame:
    """Read a frame of a stack that was opened; the file stays open for the next one."""
    from napari_stem_defects.io.images.open_stack import file_state, read_stack_frame

    if not path.exists():
        raise ReadError(missing_file(path))
    if file_state(path) != state:
        raise ReadError(one_line(path, "has changed while it was searched", "run again"))
    frames = _open_frames(path, signal, state)
    return read_stack_frame(path, frames, frame, conversion)


@lru_cache(maxsize=1)
def _open_frames(path: Path, signal: SignalChoice, state: tuple[int, int]) -> FramesOnDisk:
    """Open the frames of a file in one state: a file that has changed is opened again."""
    from napari_stem_defects.io.images.open_stack import open_frames

    return open_frames(path, signal)


def list_signals(*, path: Path, signal: SignalChoice = None, report: ProgressCallback) -> Signals:
    """List the signals of a file."""
    from napari_stem_defects.io.images.read import signals_and_choice

    return signals_and_choice(path, signal)


def read_all(
    *, path: Path, signal: SignalChoice = None, report: ProgressCallback
) -> tuple[list[Micrograph], int]:
    """Read every micrograph of a file."""
    from napari_stem_defects.io.images.read import read_all

    return read_all(path)


def read_patches(
    *, path: Path, signal: SignalChoice = None, report: ProgressCallback
) -> PatchFolder:
    """Read a patch folder."""
    from napari_stem_defects.io.labels.patch_folder import read_patch_folder

    return read_patch_folder(path, signal)
