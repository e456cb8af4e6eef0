"""Similarity of an image to a class: to its templates, or to them and against like sites.

Where an image, or a part of it, shows too few like sites, the templates decide alone, with a
threshold of their own. The similarity to them is then given on the scale on which the class has
its threshold, so that whatever compares it needs not know which of both it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.matched_filter.like_sites import with_sites
from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.like_sites import ImagePart
    from napari_stem_defects.matched_filter.model import ClassFilter


def class_similarity(
    residual: NDArray[np.float32], item: ClassFilter, part: ImagePart | None
) -> NDArray[np.float32]:
    """Return the similarity of every place to a class with templates.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    item : ClassFilter
    part : ImagePart or None
        The same part of the image; None where it is not known.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        To compare with ``item.limit``.
    """
    similar = best_similarity(residual, item.templates)
    if not item.sites:
        return similar
    both = with_sites(similar, part, item.sites) if part is not None else None
    return item.from_templates(similar) if both is None else both
