"""The survey of one frame: lattice, residual, score, ranked places."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.long_cell import long_cell_statement
from napari_stem_defects.anomaly.outside_crystal import share_statement
from napari_stem_defects.anomaly.residual import LatticeResidual, lattice_residual
from napari_stem_defects.anomaly.sampling import Sampled, at_samples
from napari_stem_defects.anomaly.searched_crystal import searched_crystal
from napari_stem_defects.anomaly.surveyed_residual import surveyed
from napari_stem_defects.anomaly.unsure_samples import unsure_samples
from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.freed_memory import give_back_freed_memory
from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.base.lengths import format_found
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.grains import GrainMap
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.plausible_scale import implausible_scale
from napari_stem_defects.lattice.unit_cell import lattice_period, units_per_period
from napari_stem_defects.preprocessing.scan_rows import scan_rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.unit_cell import UnitCell

_VIEW = "reporting.notebook.survey_view"
_SAVE = "api.save"
_FEWEST_CELLS = 12
"""Unit cells that are searched at least, beside what is outside of the crystal or has no value."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What is unusual in one frame.

    Attributes
    ----------
    image : str
        Name of the image.
    anomaly : ndarray of float32, shape (Y, X)
        Score of every pixel in multiples of the robust spread of the image's own lattice residual,
        on one scale for deficits and excesses; about 1 in a perfect crystal, 0 everywhere if there
        is no lattice.
    candidates : tuple of Candidate
        Unusual places, highest score first.
    threshold : float
        Score that noise alone exceeds 0.5 times per image; 0 where nothing is searched.
    lattice : LatticeMeasurement
        One lattice, several or none.
    statement : str
        What was found, in one sentence for the user.
    pixel_size_nm : float or None
    pixel_size_source : str
    period_px : float
        Lattice period in px; 0 without a lattice.
    grains : int
        Number of large parts with different lattices, as grains and twins; each has its own
        prediction. 0 without a lattice.
    grain_map : GrainMap
        All grains with outline, orientation and misorientation to their neighbours, small ones and
        separate ones of one lattice included; and the lattice on a coarse grid.
    frame : int
        Frame in its stack.
    seconds : float
        Computing time.
    searched_nm2 : float or None
        Area of the pixels with a value within the crystal, nm²; None without a pixel size.

    Examples
    --------
    >>> survey = sd.survey(sd.simulate(size=256).micrograph)
    >>> survey.lattice.kind, survey.candidates[0].rank
    ('one', 1)
    """

    image: str
    anomaly: NDArray[np.float32] = field(repr=False)
    candidates: tuple[Candidate, ...]
    threshold: float
    lattice: LatticeMeasurement
    statement: str
    pixel_size_nm: float | None
    pixel_size_source: str
    period_px: float
    grains: int = 1
    grain_map: GrainMap = field(default_factory=GrainMap, repr=False)
    frame: int = 0
    seconds: float = 0.0
    searched_nm2: float | None = None

    @property
    def unit_px(self) -> float:
        """Length unit of the search in px: the period, unless its cell has many columns."""
        cell = self.lattice.cell
        return self.period_px if cell is None else self.period_px / units_per_period(cell)

    def __repr__(self) -> str:
        count = len(self.candidates)
        places = f"{count} unusual place{'' if count == 1 else 's'}"
        return f"Survey({self.image!r}, frame {self.frame}, {places}, lattice: {self.lattice.kind})"

    def _repr_html_(self) -> str:
        return str(function_of(_VIEW, "html")(self))

    def to_dataframe(self) -> Any:
        """Return the unusual places as a table, with the columns of ``survey.csv``; needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        return function_of(_VIEW, "table")(self)

    def plot(self, micrograph: Micrograph | None = None, axes: Axes | None = None) -> Axes:
        """Draw the unusual places on the anomaly map, or on the image if it is given.

        Parameters
        ----------
        micrograph : Micrograph, optional
            The image that was searched.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            The image has another size.
        """
        drawn: Axes = function_of(_VIEW, "plot")(self, micrograph, axes)
        return drawn

    def save(self, out: str | Path, micrograph: Micrograph, *, overwrite: bool = False) -> Path:
        """Write the files that the command ``survey`` writes; see `save` for frames of a stack.

        Parameters
        ----------
        out : str or Path
            Parent folder.
        micrograph : Micrograph
            The image or stack that was searched.
        overwrite : bool, default: False
            Whether a survey of other frames may be replaced.

        Returns
        -------
        Path
            The folder of the survey, ``out/<name>``.

        Raises
        ------
        InputError
            It is another image, or the folder cannot be written.
        """
        saved: Path = function_of(_SAVE, "save")(self, out, micrograph, overwrite=overwrite)
        return saved


@one_blas_thread()
def survey_frame(micrograph: Micrograph, *, frame: int = 0) -> Survey:
    """Find what is unusual in a single-frame micrograph, without any label.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    frame : int
        Index of the frame in its stack, for the result.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If the micrograph is a stack.
    """
    started = time.perf_counter()
    if micrograph.is_stack:
        raise InputError(f"{micrograph.name}: a stack; survey its frames one by one")
    lattice = measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)
    anomaly = np.zeros(micrograph.frame_shape, np.float32)
    candidates: tuple[Candidate, ...] = ()
    threshold, period, grains, grain_map = 0.0, 0.0, 0, GrainMap()
    searched_nm2 = micrograph.valid_nm2
    if lattice.cell is None:
        statement = f"No lattice, so nothing can be called unusual: {lattice.reason}."
    else:
        period = lattice_period(lattice.cell)
        found = _measured(micrograph, lattice.cells)
        anomaly, candidates, threshold, grains, grain_map, outside, about_rows = found
        if searched_nm2 is not None:
            searched_nm2 *= 1 - outside
        statement = _statement(
            candidates, len(grain_map.grains), searched_nm2, micrograph.pixel_size_nm, outside
        )
        if about_rows:
            statement = f"{statement} {about_rows}"
        if long_cell := long_cell_statement(lattice.cell, micrograph.pixel_size_nm):
            statement = f"{statement} {long_cell}"
        if odd := implausible_scale(lattice.cell, micrograph.pixel_size_nm):
            statement = f"{statement} {odd[0].upper()}{odd[1:]}."
    return Survey(
        image=micrograph.name,
        anomaly=anomaly,
        candidates=candidates,
        threshold=threshold,
        lattice=lattice,
        statement=statement,
        pixel_size_nm=micrograph.pixel_size_nm,
        pixel_size_source=micrograph.pixel_size_source,
        period_px=period,
        grains=grains,
        grain_map=grain_map,
        frame=frame,
        seconds=time.perf_counter() - started,
        searched_nm2=searched_nm2,
    )


class _Measured(NamedTuple):
    """What was measured in an image with a lattice."""

    anomaly: NDArray[np.float32]
    candidates: tuple[Candidate, ...]
    threshold: float
    grains: int
    grain_map: GrainMap
    outside: float
    about_rows: str


def _measured(micrograph: Micrograph, cells: tuple[UnitCell, ...]) -> _Measured:
    period = lattice_period(cells[0])
    scan_rows = scan_rows_of(micrograph, cells)
    shape, about_rows = micrograph.frame_shape, scan_rows.statement
    searched = searched_crystal(scan_rows.mended(micrograph), cells)
    sampled, grain_map, blocked = searched.sampled, searched.grain_map, searched.blocked
    if blocked.any() and (~blocked).sum() < _FEWEST_CELLS * period**2:
        anomaly = np.zeros(shape, np.float32)
        return _Measured(anomaly, (), 0.0, len(grain_map.grains), grain_map, 1.0, about_rows)
    without_value = searched.unknown.sum()
    outside = float((blocked.sum() - without_value) / max(blocked.size - without_value, 1))
    missing = at_samples(blocked, sampled)
    unsure = unsure_samples(scan_rows, sampled)
    del scan_rows  # with disturbed rows, a second image
    residual = lattice_residual(sampled, blocked=missing, unsure=unsure, unlike_lines=True)
    score, found, threshold = _scored(residual)
    grains = len(residual.predictors)
    # The sampled image is as large as the score: release it before the map at image size.
    sampled = replace(sampled, filtered=score[:1])
    del residual, searched
    give_back_freed_memory()
    anomaly = _at_image_size(score, sampled, shape)
    anomaly[blocked] = 0
    candidates = tuple(_in_image(candidate, sampled) for candidate in found)
    return _Measured(anomaly, candidates, threshold, grains, grain_map, outside, about_rows)


def _scored(
    residual: LatticeResidual,
) -> tuple[NDArray[np.float32], tuple[Candidate, ...], float]:
    """Return score, candidates and threshold in samples."""
    found = surveyed(residual)
    return found.score, found.candidates, found.limits.threshold


def _at_image_size(
    score: NDArray[np.float32], sampled: Sampled, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Resample a score to the pixels of the image, linearly."""
    if score.shape == shape:
        return score
    step = [1 / factor for factor in sampled.factor]
    anomaly = np.empty(shape, np.float32)
    # Position p of the image is (p + 0.5) * factor - 0.5 in the score.
    ndimage.affine_transform(
        score,
        np.array(sampled.factor),
        offset=[0.5 / s - 0.5 for s in step],
        output=anomaly,
        output_shape=shape,
        order=1,
        mode="nearest",
    )
    return anomaly


def _in_image(candidate: Candidate, sampled: Sampled) -> Candidate:
    """Return a candidate with its lengths in px of the image."""
    y, x = sampled.to_image(np.array([candidate.y, candidate.x]))
    factor = float(np.sqrt(sampled.factor[0] * sampled.factor[1]))
    return replace(
        candidate,
        y=float(y),
        x=float(x),
        length_px=candidate.length_px / factor,
        area_px=candidate.area_px / factor**2,
        shape=tuple(
            tuple((float(y), float(x)) for y, x in sampled.to_image(np.array(line)))
            for line in candidate.shape
        ),
    )


def _statement(
    candidates: tuple[Candidate, ...],
    grains: int,
    searched_nm2: float | None,
    pixel_size_nm: float | None,
    outside: float,
) -> str:
    """Return what was found, and which share of the image is not searched, as sentences."""
    parted = f"{grains} grains with different lattices. " if grains > 1 else ""
    if outside >= 1:
        return (
            f"{parted}Nothing is searched: fewer than {_FEWEST_CELLS} unit cells have a value and"
            " lie within the crystal, away from its edge."
        )
    share = share_statement(outside) if outside else ""
    rest = f" {share[0].upper()}{share[1:]}." if share else ""
    if not candidates:
        searched = "what is searched" if outside else "the whole image"
        return f"{parted}Nothing unusual: {searched} repeats within its noise.{rest}"
    found = count_kinds(candidates, searched_nm2, pixel_size_nm)
    parts = [found[kind] for kind in ("line", "area", "point") if not found[kind].startswith("0 ")]
    return f"{parted}Unusual places: {', '.join(parts)}.{rest}"


def count_kinds(
    candidates: tuple[Candidate, ...], area_nm2: float | None, pixel_size_nm: float | None
) -> dict[str, str]:
    """Return the number of places of each kind in words, with the density that suits the kind.

    Parameters
    ----------
    candidates : tuple of Candidate
    area_nm2 : float or None
        The area they were searched in, nm².
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    dict of str to str
        Such as "2 lines (0.12 nm per nm²)" for "line"; every kind has an entry.
    """
    texts = {}
    for kind in ("point", "line", "area"):
        mine = [each for each in candidates if each.kind == kind]
        length = None
        if pixel_size_nm is not None:
            length = pixel_size_nm * sum(each.length_px for each in mine)
        name = kind if len(mine) == 1 else f"{kind}s"
        texts[kind] = format_found(len(mine), name, kind, area_nm2 if mine else None, length)
    return texts
