"""Share of a frame that was searched: windows that are valid and have a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from napari_stem_defects.postprocessing.results import ProbabilityMap

NO_PROBABILITY = "windows_without_probability"
"""Parameter of a result whose model gives no probability where it does not search."""
NOT_SEARCHED = "not searched"
"""Its value."""


def searched_share(found: ProbabilityMap, parameters: Mapping[str, Any]) -> float:
    """Return the share of the valid windows that were searched.

    Parameters
    ----------
    found : ProbabilityMap
        Probabilities of one frame; where all are 0, outside of the crystal, nothing was searched.
    parameters : mapping
        Parameters of the result. Only with `NO_PROBABILITY` may the share be 0: without it, a map
        without any probability is that of an image that the model does not recognise.

    Returns
    -------
    float
        0 to 1.
    """
    count = int((found.valid & found.probability.any(axis=0)).sum())
    if not count:
        return 0.0 if parameters.get(NO_PROBABILITY) == NOT_SEARCHED else 1.0
    return count / int(found.valid.sum())
