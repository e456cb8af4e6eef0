"""Functions of the quick worker that read files, apart from all others.

The process that reads a file starts with every command, so it imports no more than the readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.io.images.signals import SignalChoice
    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.workers.isolated_read import Signals


def read_micrograph(
    *, path: Path, signal: SignalChoice = None, report: ProgressCallback
) -> Micrograph:
    """Read a signal of a file."""
    from napari_stem_defects.io.images.read import read

    return read(path, signal=signal)


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


def read_patches(*, path: Path, report: ProgressCallback) -> PatchFolder:
    """Read a patch folder."""
    from napari_stem_defects.io.labels.patch_folder import read_patch_folder

    return read_patch_folder(path)
