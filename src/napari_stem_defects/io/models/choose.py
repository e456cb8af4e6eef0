"""Choice among the models of the library by the lattice of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_stem_defects.detection.model_choice import choose_model
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.lattice.measurement import LatticeMeasurement


@dataclass(frozen=True)
class LibraryChoice:
    """The model of the library chosen for an image.

    Attributes
    ----------
    entry : ModelEntry or None
        None where no model fits.
    statement : str
        Which model and why, or why none, in one sentence.
    measured : LatticeMeasurement
        The lattice of the image.
    frame : int
        The frame of a stack whose lattice it is.
    warning : str
        On what the choice depends that the image does not show; "" if on nothing.
    """

    entry: ModelEntry | None
    statement: str
    measured: LatticeMeasurement
    frame: int = 0
    warning: str = ""


def choose_from_library(
    micrograph: Micrograph, entries: Sequence[ModelEntry] | None = None
) -> LibraryChoice:
    """Choose the model whose lattice geometry fits a frame.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    entries : sequence of ModelEntry, optional
        The models to choose from; by default those of the library, the user's first.

    Returns
    -------
    LibraryChoice
    """
    known: dict[str, ModelEntry] = {}
    for entry in list_models() if entries is None else entries:
        known.setdefault(entry.name, entry)  # the user's models hide bundled ones
    measured = measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)
    specs = {name: entry.spec for name, entry in known.items()}
    choice = choose_model(measured, specs, micrograph.pixel_size_nm)
    chosen = None if choice.name is None else known[choice.name]
    return LibraryChoice(chosen, choice.statement, measured, warning=choice.warning)


def choose_for_frames(micrograph: Micrograph, frames: Iterable[int]) -> LibraryChoice:
    """Choose the model for a stack from its first frame that shows a lattice.

    Parameters
    ----------
    micrograph : Micrograph
        Image or stack.
    frames : iterable of int
        Frames to be searched, at least one.

    Returns
    -------
    LibraryChoice
        For a stack the statement names the frame. Where no frame shows a lattice, the choice is
        that of the first frame.

    Raises
    ------
    InputError
        If a frame does not exist.
    """
    entries, first = list_models(), None
    for frame in frames:
        choice = choose_from_library(micrograph.frame(frame), entries)
        if micrograph.is_stack:
            statement = f"{choice.statement} (frame {frame})"
            choice = replace(choice, statement=statement, frame=frame)
        if choice.measured.cell is not None:
            return choice
        first = first or choice
    if first is None:
        raise InputError(f"{micrograph.name}: no frame to search; give at least one")
    return first
