"""Which model suits an image: the one whose lattice geometry fits the lattice of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.base.lengths import format_share
from napari_stem_defects.lattice.geometry import describe_cell
from napari_stem_defects.networks.architecture import finds_spots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.lattice.geometry import LatticeGeometry
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.networks.spec import EnsembleSpec

ADVICE = "label a few places (Label patches) or look at the survey"
NOT_RECOGNISED = "not recognised"
GENERIC_NAMES = "generic names"
"""How statements begin where no special model knows the lattice, and a general one names."""
_MAX_LISTED = 4
_UNIT_FACTORS = (0.1, 10.0, 1e-3, 1e3)


@dataclass(frozen=True)
class ModelChoice:
    """The model chosen for an image.

    Attributes
    ----------
    name : str or None
        Key of the chosen model; None where none fits.
    statement : str
        Which model and why, or why none, in one sentence.
    warning : str
        On what the choice depends that the image does not show; "" if on nothing.
    """

    name: str | None
    statement: str
    warning: str = ""


def given_statement(name: str) -> str:
    """Return the statement on the choice of a model that was given by hand."""
    return f"model {name} was given"


def choose_model(
    measured: LatticeMeasurement,
    specs: Mapping[str, EnsembleSpec],
    pixel_size_nm: float | None = None,
    refused: Mapping[str, str] | None = None,
) -> ModelChoice:
    """Choose the model whose lattice geometry fits best, special ones before general ones.

    Parameters
    ----------
    measured : LatticeMeasurement
        Lattice of the image.
    specs : mapping of str to EnsembleSpec
        Descriptions of the models; of two that fit equally the first is taken. Models without a
        lattice geometry are not chosen.
    pixel_size_nm : float, optional
        Edge of a pixel of the image in nm; with it the spacing must fit, too.
    refused : mapping of str to str, optional
        Models that do not recognise the image although their lattice fits, and why.

    Returns
    -------
    ModelChoice
    """
    refused = refused or {}
    cell = measured.cell
    known = {n: s.lattice_geometry for n, s in specs.items() if s.lattice_geometry is not None}
    if cell is None:
        return ModelChoice(None, f"{NOT_RECOGNISED}: no lattice, {measured.reason}")
    ranked = sorted(
        (geometry.is_general, geometry.misfit(cell, pixel_size_nm), place, name)
        for place, (name, geometry) in enumerate(known.items())
        if geometry.misfit(cell, pixel_size_nm) <= 1 and name not in refused
    )
    lattice = describe_cell(cell, pixel_size_nm)
    special = {n: g.describe(pixel_size_nm) for n, g in known.items() if not g.is_general}
    listed = _listed([f"{name} ({geometry})" for name, geometry in special.items()])
    slip = _wrong_unit(cell, known, pixel_size_nm)
    if not ranked:
        return ModelChoice(
            None,
            f"{NOT_RECOGNISED}: the lattice is {lattice}{slip}; the models know {listed}; {ADVICE}",
        )
    general, _, _, name = ranked[0]
    if general:
        return ModelChoice(
            name,
            f"{GENERIC_NAMES}: the lattice is {lattice}{slip}; the special models know {listed}"
            f"{_refusals(refused)}; for names of your own {ADVICE}",
        )
    reason = known[name].describe(pixel_size_nm)
    chosen = f"model {name} ({reason}) chosen: the lattice is {lattice}"
    return ModelChoice(name, chosen, "" if pixel_size_nm else unscaled_warning(specs[name]))


def _refusals(refused: Mapping[str, str]) -> str:
    """Return why models whose lattice fits are not taken."""
    return "".join(f", but the crystal is another: {why}" for why in refused.values())


def _wrong_unit(
    cell: UnitCell, known: Mapping[str, LatticeGeometry], pixel_size_nm: float | None
) -> str:
    """Return which known lattice it would be if the pixel size were stored in another unit.

    Some programs write ångström as nm, and nm as µm.
    """
    if pixel_size_nm is None:
        return ""
    for factor in _UNIT_FACTORS:
        size = factor * pixel_size_nm
        for name, geometry in known.items():
            if not geometry.is_general and geometry.misfit(cell, size) <= 1:
                return (
                    f" (with {size:.4g} instead of {pixel_size_nm:.4g} nm per px it would be that"
                    f" of {name}: check the unit in the file)"
                )
    return ""


def _listed(items: list[str]) -> str:
    more = len(items) - _MAX_LISTED
    return (
        ", ".join(items[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "") or "no lattice"
    )


def unscaled_warning(spec: EnsembleSpec) -> str:
    """Return the warning that an image without a pixel size may show another crystal.

    Crystals of one symmetry and motif differ in their lattice constant alone.

    Parameters
    ----------
    spec : EnsembleSpec
        The model whose crystal gave the pixel size.

    Returns
    -------
    str
        One sentence.
    """
    geometry = spec.lattice_geometry
    crystal = "" if geometry is None else geometry.crystal
    return (
        "no pixel size: names and lengths hold only if the crystal is"
        f" {crystal or f'that of the model {spec.name}'}; give the pixel size to check"
    )


def misfit_warning(
    measured: LatticeMeasurement, spec: EnsembleSpec, pixel_size_nm: float | None = None
) -> str:
    """Return a warning where a model was given by hand and the lattice does not fit it.

    Parameters
    ----------
    measured : LatticeMeasurement
        Lattice of the image.
    spec : EnsembleSpec
    pixel_size_nm : float, optional
        Edge of a pixel of the image in nm.

    Returns
    -------
    str
        One sentence; "" where the lattice fits or nothing is known about it.
    """
    geometry, cell = spec.lattice_geometry, measured.cell
    if geometry is None or cell is None or geometry.misfit(cell, pixel_size_nm) <= 1:
        return ""
    return (
        f"warning: the lattice ({describe_cell(cell, pixel_size_nm)}) does not fit the model"
        f" {spec.name} ({geometry.describe(pixel_size_nm)}); its names may be wrong"
    )


def spot_warning(lattice: LatticeMeasurement, spec: EnsembleSpec, not_searched: float = 0.0) -> str:
    """Return a warning where a model of spots without a lattice meets a crystal.

    Parameters
    ----------
    lattice : LatticeMeasurement
        Of the image.
    spec : EnsembleSpec
        A model.
    not_searched : float
        Share of the image that is not searched because it shows a crystal.

    Returns
    -------
    str
        One sentence; "" for other models, and where there is no lattice.
    """
    if lattice.cell is None or not finds_spots(spec.architecture):
        return ""
    if not_searched >= 1:
        return "nothing is searched for spots: the image shows a lattice"
    if not_searched > 0:
        share = format_share(not_searched)
        return f"{share} of the image is not searched for spots: it shows a lattice"
    return (
        f"warning: the model {spec.name} is of spots without a lattice and this image shows one,"
        " whose columns may be taken for spots; click defects in this image for a model of its own"
    )
