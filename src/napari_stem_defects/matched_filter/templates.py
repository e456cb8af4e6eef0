"""Templates: what the clicks of a class have in common in the lattice residual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_OUTLIER = 0.4
"""Consistency below which a click shows another variant of its defect."""
VISIBLE = 1.0
"""Power of a pattern, in units of that of noise, from which it is more than noise."""
_STEP_PERIODS = 1 / 14
"""Step of the shifts that are tried, in lattice periods: half a sample."""
_MAX_STARTS = 7
_ROUNDS = 4
SHOWN = 3.0
"""Power of a single click, in units of that of noise, from which it shows a defect by itself; of
the mean of several, divided by their number. Any clicks agree once their noise is aligned."""
LEAST_SHARE = 0.06
"""Share of the clicks of a class from which those with another look are a variant of it: of many
clicks, a few are wrong, or stand in singular surroundings."""


class Reach(NamedTuple):
    """Lengths of a kind of defect in lattice periods.

    Attributes
    ----------
    weight : float
        Standard deviation of the Gaussian weight of a template.
    shift : float
        How far from a click its defect may be.
    """

    weight: float
    shift: float


SPOT = "spot"
"""Points of an image without a lattice: nothing but the spot itself is at a known place."""
REACH = {
    "point": Reach(0.6, 0.3),
    "line": Reach(1.0, 0.5),
    "area": Reach(1.0, 0.5),
    SPOT: Reach(0.4, 0.35),
}


@dataclass(frozen=True)
class Template:
    """Mean residual around aligned clicks.

    Attributes
    ----------
    pattern : ndarray of float32, shape (w, w)
        w is odd.
    weight : ndarray of float32, shape (w, w)
        Gaussian weights, sum 1.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.
    clicks : int
        Number of clicks averaged.
    gain : float
        How much stronger the pattern is than at the clicks.
    slack : float
        How many times stronger than the pattern a place may be before it must look like it: spots
        crowd, and some are brighter.
    is_exclusive : bool
        Whether a place that is stronger than the pattern is less similar by as much as one that is
        fainter, because other classes have the same look.
    """

    pattern: NDArray[np.float32]
    weight: NDArray[np.float32]
    noise: float
    clicks: int
    gain: float = 1.0
    slack: float = 1.0
    is_exclusive: bool = False

    @property
    def power(self) -> float:
        """Weighted mean square of the pattern, less the part that is averaged noise."""
        total = float((self.weight * self.pattern**2).sum())
        averaged = self.gain**2 * self.noise / self.clicks
        return max(total - averaged, 0.25 * total, 1e-12)

    def with_gain(self, gain: float) -> Template:
        """Return the template of the same defect that is so many times stronger."""
        pattern = (gain * self.pattern).astype(np.float32)
        return replace(self, pattern=pattern, gain=gain * self.gain)


def gaussian_weight(samples: float, reach: Reach) -> NDArray[np.float32]:
    """Return the weights of a template.

    Parameters
    ----------
    samples : float
        Samples per length unit.
    reach : Reach

    Returns
    -------
    ndarray of float32, shape (w, w)
        Sum 1.
    """
    sigma = reach.weight * samples
    radius = int(np.ceil(2.2 * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    weight = np.exp(-(y**2 + x**2) / (2 * sigma**2))
    normalised: NDArray[np.float32] = (weight / weight.sum()).astype(np.float32)
    return normalised


def cut_pattern(
    residual: NDArray[np.float32], position: NDArray[np.float64], radius: int
) -> NDArray[np.float32]:
    """Cut the residual around a position, by linear interpolation.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    position : ndarray of float, shape (2,)
        y and x in samples.
    radius : int
        The pattern has ``2 * radius + 1`` samples along each edge; beyond the border it is 0.

    Returns
    -------
    ndarray of float32, shape (2 * radius + 1, 2 * radius + 1)
    """
    cut: NDArray[np.float32] = _cuts(residual, position[None], radius)[0]
    return cut


def cuts_at(
    image: NDArray[np.float32], positions: NDArray[np.float64], radius: int
) -> NDArray[np.float32]:
    """Cut an image around several positions, by linear interpolation.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    positions : ndarray of float, shape (N, 2)
        y and x in samples.
    radius : int
        See `cut_pattern`; beyond the border the image is mirrored.

    Returns
    -------
    ndarray of float32, shape (N, 2 * radius + 1, 2 * radius + 1)
    """
    return _cuts(image, positions, radius, mode="reflect")


def cuts_near(
    residual: NDArray[np.float32], positions: NDArray[np.float64], radius: int
) -> NDArray[np.float32]:
    """Cut the residual around several positions, as `cut_pattern` does around one.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    positions : ndarray of float, shape (N, 2)
        y and x in samples.
    radius : int

    Returns
    -------
    ndarray of float32, shape (N, 2 * radius + 1, 2 * radius + 1)
    """
    return _cuts(residual, positions, radius)


def _cuts(
    residual: NDArray[np.float32],
    positions: NDArray[np.float64],
    radius: int,
    mode: str = "constant",
) -> NDArray[np.float32]:
    """Cut the residual around several positions (N, 2), as `cut_pattern` does around one."""
    steps = np.arange(-radius, radius + 1)
    y = positions[:, 0, None, None] + steps[:, None] + np.zeros_like(steps)
    x = positions[:, 1, None, None] + steps + np.zeros_like(steps)[:, None]
    cuts: NDArray[np.float32] = ndimage.map_coordinates(residual, [y, x], order=1, mode=mode)
    return cuts


@dataclass(frozen=True)
class Aligned:
    """Patterns of the clicks of a class, each shifted to where it agrees best with the others.

    Attributes
    ----------
    patterns : ndarray of float32, shape (N, w, w)
    weight : ndarray of float32, shape (w, w)
    consistency : ndarray of float, shape (N,)
        Similarity of each pattern to the template of the others, 1 for a perfect one; 1 for a
        single click.
    copies : int
        Of how many places each pattern is the mean.
    """

    patterns: NDArray[np.float32]
    weight: NDArray[np.float32]
    consistency: NDArray[np.float64]
    copies: int = 1

    def visible(self, noise: float) -> NDArray[np.bool_]:
        """Return which patterns are more than noise.

        Parameters
        ----------
        noise : float
            See `Template`.

        Returns
        -------
        ndarray of bool, shape (N,)
        """
        powers = (self.weight * self.patterns**2).sum(axis=(1, 2))
        return np.asarray(powers > (1 + VISIBLE) * noise / self.copies)

    def part(self, chosen: NDArray[np.bool_], noise: float) -> Aligned:
        """Return some of the clicks, with their consistency among themselves.

        Parameters
        ----------
        chosen : ndarray of bool, shape (N,)
        noise : float
            See `Template`.

        Returns
        -------
        Aligned
        """
        patterns = self.patterns[chosen]
        agreement = _consistency(patterns, self.weight, noise, self.copies)
        return Aligned(patterns, self.weight, agreement, self.copies)

    def template(self, noise: float) -> Template:
        """Return the mean pattern.

        Parameters
        ----------
        noise : float
            See `Template`.

        Returns
        -------
        Template
        """
        mean = self.patterns.mean(axis=0)
        return Template(mean, self.weight, noise, self.copies * len(self.patterns))


def align(
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]],
    samples: float,
    reach: Reach,
    noise: float,
    copies: int = 1,
) -> Aligned:
    """Align the residual around clicks.

    Parameters
    ----------
    clicks : sequence of (ndarray of float32 (Y, X), ndarray of float (2,))
        Residual of the image and position of each click in samples.
    samples : float
        Samples per length unit.
    reach : Reach
        Of the kind of the class.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.
    copies : int
        Of how many places the residual around each click is the mean.

    Returns
    -------
    Aligned
    """
    weight = gaussian_weight(samples, reach)
    shifts = _shifts(reach.shift * samples, _STEP_PERIODS * samples)
    radius = weight.shape[0] // 2
    cuts = np.stack([_cuts(u, at + shifts, radius) for u, at in clicks]).astype(np.float32)
    # Far shifts count less, so that a pattern that repeats stays near its click.
    nearness = np.exp(-((np.hypot(*shifts.T) / (2 * reach.shift * samples)) ** 2))
    chosen = _agreeing_shifts((cuts * np.sqrt(weight)).reshape(*cuts.shape[:2], -1), nearness)
    patterns = cuts[np.arange(len(cuts)), chosen]
    return Aligned(patterns, weight, _consistency(patterns, weight, noise, copies), copies)


def look_variants(aligned: Aligned, noise: float) -> list[Aligned]:
    """Return the clicks that agree, and those of the others that agree among themselves.

    Clicks where there is hardly any residual show no defect; they are left out unless all do.

    Parameters
    ----------
    aligned : Aligned
    noise : float
        See `Template`.

    Returns
    -------
    list of Aligned
        At least one.
    """
    agreeing = aligned.consistency >= _OUTLIER
    if agreeing.all() or not agreeing.any():
        return [aligned]
    others = ~agreeing & aligned.visible(noise)
    least = max(2.0, LEAST_SHARE * len(agreeing))
    first = aligned.part(agreeing, noise)
    if not others.any() or (others.sum() < least and len(agreeing) > 3):
        return [first]
    second = aligned.part(others, noise)
    is_shown = second.template(noise).power > SHOWN * noise / len(second.patterns)
    return [first, second] if is_shown else [first]


def _shifts(radius: float, step: float) -> NDArray[np.float64]:
    """Return the shifts (S, 2) within a radius on a square grid."""
    ticks = step * np.arange(-int(radius / step), int(radius / step) + 1)
    shifts = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(shifts[np.hypot(*shifts.T) <= radius + 1e-9])


def _agreeing_shifts(cuts: NDArray[np.float32], nearness: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each click the shift at which all agree best; cuts are (clicks, shifts, values).

    Starting from each of a few clicks, shifts and mean are improved in turns.
    """
    norms = np.linalg.norm(cuts, axis=2) + 1e-9
    everyone = np.arange(len(cuts))
    best_score, best = -np.inf, np.zeros(len(cuts), np.intp)
    for start in range(min(len(cuts), _MAX_STARTS)):
        mean = cuts[start, int((norms[start] * nearness).argmax())]
        for _ in range(_ROUNDS):
            agreement = (cuts @ mean) / (norms * (np.linalg.norm(mean) + 1e-9)) * nearness
            chosen = agreement.argmax(axis=1)
            mean = cuts[everyone, chosen].mean(axis=0)
        score = float(agreement.max(axis=1).mean())
        if score > best_score:
            best_score, best = score, chosen
    return best


def _consistency(
    patterns: NDArray[np.float32], weight: NDArray[np.float32], noise: float, copies: int
) -> NDArray[np.float64]:
    """Return the similarity of each pattern to the template of the others."""
    if len(patterns) == 1:
        return np.ones(1)
    scores = []
    for number, pattern in enumerate(patterns):
        mean = np.delete(patterns, number, axis=0).mean(axis=0)
        others = Template(mean, weight, noise, copies * (len(patterns) - 1))
        excess = max(float((weight * pattern**2).sum()) - noise / copies, 0.0)
        product = float((weight * mean * pattern).sum())
        scores.append(product / np.sqrt(others.power * max(others.power, excess)))
    return np.array(scores)
