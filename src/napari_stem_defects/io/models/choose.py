"""Choice among the models of the library by the lattice of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_stem_defects.base.spread_order import spread_order
from napari_stem_defects.detection.model_choice import choose_model
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.kept_models import kept_model
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.detection.model_choice import ModelChoice
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.lattice.measurement import LatticeMeasurement


_MAX_VOTES = 5
_ENOUGH_VOTES = 2


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

    Without a pixel size, what a special model sees distinguishes crystals of one geometry: one that
    does not recognise the image leaves it to the general model, if there is one.

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
    choice, refused = choose_model(measured, specs, micrograph.pixel_size_nm), dict[str, str]()
    while why := _refusal(choice, known, micrograph, measured):
        refused[str(choice.name)] = why
        choice = choose_model(measured, specs, micrograph.pixel_size_nm, refused)
    chosen = None if choice.name is None else known[choice.name]
    return LibraryChoice(chosen, choice.statement, measured, warning=choice.warning)


def _refusal(
    choice: ModelChoice,
    known: Mapping[str, ModelEntry],
    micrograph: Micrograph,
    measured: LatticeMeasurement,
) -> str:
    """Return why the model that was chosen by its lattice is not that of the crystal; "" if it is.

    It is looked at only where the image has no pixel size, which would decide, and where a general
    model may take its place.
    """
    geometries = [entry.spec.lattice_geometry for entry in known.values()]
    has_general = any(each is not None and each.is_general for each in geometries)
    if choice.name is None or not choice.warning or not has_general:
        return ""
    entry = known[choice.name]
    if entry.spec.is_quick or entry.spec.sees_residual:
        return ""
    # Imported where a model is evaluated: it loads torch.
    from napari_stem_defects.detection.recognised_part import recognise_part

    try:
        return recognise_part(micrograph, kept_model(entry.path), measured).reason
    except InputError:
        return ""  # the search will state it


def choose_for_frames(micrograph: Micrograph, frames: Iterable[int]) -> LibraryChoice:
    """Choose the model for a stack from a few frames that show a lattice.

    They are spread over the stack: the first ones may be blank, out of focus or beside the crystal.
    Two that agree decide, otherwise most of up to five.

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
    entries, blank, votes = list_models(), None, list[LibraryChoice]()
    for frame in spread_order(list(frames)):
        choice = choose_from_library(micrograph.frame(frame), entries)
        if micrograph.is_stack:
            statement = f"{choice.statement} (frame {frame})"
            choice = replace(choice, statement=statement, frame=frame)
        if choice.measured.cell is None:
            blank = blank or choice
            continue
        votes.append(choice)
        if len(votes) == _MAX_VOTES or _count(choice, votes) == _ENOUGH_VOTES:
            break
    if votes:
        return max(votes, key=lambda each: (_count(each, votes), _is_special(each)))
    if blank is None:
        raise InputError(f"{micrograph.name}: no frame to search; give at least one")
    return blank


def _count(choice: LibraryChoice, votes: Sequence[LibraryChoice]) -> int:
    """Return how many frames chose the same model."""
    return sum(each.entry == choice.entry for each in votes)


def _is_special(choice: LibraryChoice) -> bool:
    """Return whether a model was chosen that knows the crystal: noise hardly ever fits one."""
    geometry = None if choice.entry is None else choice.entry.spec.lattice_geometry
    return geometry is not None and not geometry.is_general
