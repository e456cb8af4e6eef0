"""Share of a frame that was searched: windows that are valid and have a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

NO_PROBABILITY = "windows_without_probability"
"""Parameter of a result whose model gives no probability where it does not search."""
NOT_SEARCHED = "not searched"
"""Its value."""


def searched_share(
    probability: NDArray[np.float32], valid: NDArray[np.bool_], parameters: Mapping[str, Any]
) -> float:
    """Return the share of the valid windows that were searched.

    Parameters
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        Of each class for each window of a frame; where all are 0, outside of the crystal, nothing
        was searched.
    valid : ndarray of bool, shape (gy, gx)
    parameters : mapping
        Parameters of the result. Only with `NO_PROBABILITY` may the share be 0: without it, a map
        without any probability is that of an image that the model does not recognise.

    Returns
    -------
    float
        0 to 1.
    """
    count = int((valid & probability.any(axis=0)).sum())
    if not count:
        return 0.0 if parameters.get(NO_PROBABILITY) == NOT_SEARCHED else 1.0
    return count / int(valid.sum())
