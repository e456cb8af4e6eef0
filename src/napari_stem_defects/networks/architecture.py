"""What a model computes with: the sizes of its networks, or of its matched filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

CNN = "selu-cnn-1"
MATCHED_FILTER = "matched-filter-1"
_MAX_TEMPLATES = 1024
_SAMPLES = (3.0, 32.0)
_DECISIONS = (3, 6)
_SITE_PATTERNS = (0, 3)
_LATER = ("sites", "views", "site_patterns", "window_px", "window_nm", "units")
_UNITS = (1.0, 30.0)
_LONGEST = 1e5


@dataclass(frozen=True)
class Architecture:
    """Layer sizes of one binary member.

    Attributes
    ----------
    channels : tuple of int
        Feature maps of each convolution block (3x3 convolution, batch norm, 2x2 maximum, SELU).
    hidden : int
        Width of the fully connected layer before the one output.
    dropout : float
        Fraction of the units set to zero during training.
    maxima : bool
        Whether the fully connected layer also receives the global maximum of each feature map
        (global max pooling), which finds a defect anywhere in the patch.
    padded : bool
        Whether convolutions are zero-padded, as in the abstract. Without padding, overlapping
        windows share their feature maps, which makes dense (fully convolutional) inference
        possible; see `inference.dense`.
    name : str
        Registered name of the architecture; model files with another name are rejected.
    """

    channels: tuple[int, ...] = (16, 32, 48, 64)
    hidden: int = 48
    dropout: float = 0.2
    maxima: bool = False
    padded: bool = True
    name: str = CNN

    def __post_init__(self) -> None:
        """Raise `ModelError` for sizes that no network can have."""
        valid = all(isinstance(size, int) for size in (*self.channels, self.hidden))
        in_range = 1 <= len(self.channels) <= 8 and all(1 <= c <= 1024 for c in self.channels)
        valid &= isinstance(self.maxima, bool) and isinstance(self.padded, bool)
        if not (valid and in_range and 1 <= self.hidden <= 4096 and 0 <= self.dropout < 1):
            raise ModelError(f"network sizes out of range: {self}")
        if self.name != CNN:
            raise ModelError(f"network {self.name!r} is unknown to this version; update the plugin")


@dataclass(frozen=True)
class MatchedFilterArchitecture:
    """Sizes of a quick model: matched filters on the lattice residual, no network.

    Attributes
    ----------
    samples : float
        Samples per length unit of the templates.
    templates : tuple of int
        Number of templates of each class after Bulk; 0 for a class recognised by its anomaly.
    negatives : int
        Number of templates of places that are no defect.
    decisions : int
        Numbers by which each class is decided; models of earlier versions have 3.
    sites : tuple of int
        Number of site filters of each class after Bulk; empty where no class has one.
    views : tuple of int
        Number of views of each class after Bulk, by which lines are distinguished; empty where no
        class has one.
    site_patterns : int
        Patterns of each site filter; 0 in models of earlier versions, which have 2, and without
        site filters.
    window_px : float or None
        Of a model of spots in images without a lattice, the length that takes the place of the
        lattice period, in px of the clicked image; None for all other models.
    window_nm : float or None
        The same in nm, where it is known.
    units : float or None
        Length units per lattice period where a cell has many columns; None for 1.
    name : str
        Registered name of the architecture.
    """

    samples: float
    templates: tuple[int, ...]
    negatives: int = 0
    decisions: int = 3
    sites: tuple[int, ...] = ()
    views: tuple[int, ...] = ()
    site_patterns: int = 0
    window_px: float | None = None
    window_nm: float | None = None
    units: float | None = None
    name: str = MATCHED_FILTER

    def __post_init__(self) -> None:
        """Raise `ModelError` for sizes that no quick model can have."""
        counts = (*self.templates, self.negatives, *self.sites, *self.views)
        valid = all(isinstance(n, int) and 0 <= n <= _MAX_TEMPLATES for n in counts)
        valid &= all(len(n) in (0, len(self.templates)) for n in (self.sites, self.views))
        valid &= self.site_patterns in _SITE_PATTERNS and bool(self.sites or not self.site_patterns)
        valid &= isinstance(self.decisions, int) and self.decisions in _DECISIONS
        valid &= math.isfinite(self.samples) and _SAMPLES[0] <= self.samples <= _SAMPLES[1]
        lengths = [each for each in (self.window_px, self.window_nm) if each is not None]
        valid &= all(math.isfinite(each) and 0 < each < _LONGEST for each in lengths)
        valid &= self.window_px is not None or self.window_nm is None
        valid &= self.units is None or _UNITS[0] <= self.units <= _UNITS[1]
        if not (valid and self.templates):
            raise ModelError(f"sizes of the matched filters out of range: {self}")
        if self.name != MATCHED_FILTER:
            raise ModelError(f"model {self.name!r} is unknown to this version; update the plugin")


AnyArchitecture = Architecture | MatchedFilterArchitecture


def finds_spots(sizes: AnyArchitecture) -> bool:
    """Return whether a model finds spots in images without a lattice.

    Parameters
    ----------
    sizes : Architecture or MatchedFilterArchitecture

    Returns
    -------
    bool
    """
    return isinstance(sizes, MatchedFilterArchitecture) and sizes.window_px is not None


def drop_unset(sizes: dict[str, Any] | None) -> None:
    """Leave out of the sizes of a model, in place, what earlier versions did not know, where unset.

    Parameters
    ----------
    sizes : dict or None
        JSON-safe.
    """
    for name in _LATER:
        if sizes is not None and name in sizes and not sizes[name]:
            del sizes[name]


def parse_architecture(sizes: Mapping[str, Any]) -> AnyArchitecture:
    """Read the architecture of a model description.

    Parameters
    ----------
    sizes : mapping
        From JSON; ``name`` distinguishes the architectures.

    Returns
    -------
    Architecture or MatchedFilterArchitecture

    Raises
    ------
    ModelError
        If the architecture is unknown or its sizes are out of range.
    """
    if sizes.get("name") == MATCHED_FILTER:
        counts = {name: tuple(sizes.get(name, ())) for name in ("templates", "sites", "views")}
        return MatchedFilterArchitecture(**{**sizes, **counts})
    return Architecture(**{**sizes, "channels": tuple(sizes["channels"])})


def parse_teacher(sizes: Mapping[str, Any] | None) -> MatchedFilterArchitecture | None:
    """Read the sizes of the quick model that taught networks.

    Parameters
    ----------
    sizes : mapping or None
        From JSON; None where there is none.

    Returns
    -------
    MatchedFilterArchitecture or None

    Raises
    ------
    ValueError
        If it is no quick model.
    ModelError
        See `parse_architecture`.
    """
    if sizes is None:
        return None
    parsed = parse_architecture(sizes)
    if not isinstance(parsed, MatchedFilterArchitecture):
        raise ValueError("the teacher is no quick model")
    return parsed
