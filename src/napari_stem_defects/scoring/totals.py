"""Sums of the scores of several images, as shares with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.scoring.matching import auroc
from napari_stem_defects.statistics.rates import Accuracy
from napari_stem_defects.statistics.shares import f1_estimate, share_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.scoring.image_score import ImageScore, MaskCounts, PointCounts
    from napari_stem_defects.statistics.rates import Estimate


def totals(scores: Sequence[ImageScore]) -> dict[str, Any]:
    """Return the figures of several images together.

    Parameters
    ----------
    scores : sequence of ImageScore

    Returns
    -------
    dict
        JSON-safe. ``points``: by class, counts, precision, recall and F1; ``masks``: by class,
        share found and false area; ``names``: share of right names; ``unknown``: AUROC, None
        where there are no scores; ``foreign``: what was named in images of a material that the
        program does not know; ``not_scored``: classes without masks.
    """
    point_names = sorted({name for each in scores for name in each.points})
    mask_names = sorted({name for each in scores for name in each.masks})
    right, paired = sum(each.right_names for each in scores), sum(each.paired for each in scores)
    return {
        "images": len(scores),
        "points": {
            name: _points([each.points[name] for each in scores if name in each.points])
            for name in point_names
        },
        "masks": {
            name: _masks([each.masks[name] for each in scores if name in each.masks])
            for name in mask_names
        },
        "names": {
            "right": right,
            "paired": paired,
            **_stated(share_estimate(right, paired - right)),
        },
        "unknown": _unknown(scores),
        "foreign": _foreign(scores),
        "not_scored": sorted({name for each in scores for name in each.not_scored}),
    }


def _points(counts: Sequence[PointCounts]) -> dict[str, Any]:
    hits = sum(each.hits for each in counts)
    false = sum(each.false for each in counts)
    missed = sum(each.missed for each in counts)
    return {
        "ground_truth": hits + missed,
        "hits": hits,
        "false": false,
        "missed": missed,
        "precision": _stated(share_estimate(hits, false)),
        "recall": _stated(share_estimate(hits, missed)),
        "f1": _stated(f1_estimate(Accuracy(hits, false, missed))),
    }


def _masks(counts: Sequence[MaskCounts]) -> dict[str, Any]:
    known, found = sum(each.known for each in counts), sum(each.found for each in counts)
    false, searched = sum(each.false for each in counts), sum(each.searched for each in counts)
    return {
        "ground_truth_px": known,
        # Pixels are not independent, so these shares have no interval.
        "found": round(found / known, 5) if known else None,
        "false_area": round(false / searched, 6) if searched else None,
    }


def _unknown(scores: Sequence[ImageScore]) -> dict[str, Any]:
    positive = np.array([score for each in scores for score in each.unknown_scores])
    negative = np.array([score for each in scores for score in each.known_scores])
    both = len(positive) > 0 and len(negative) > 0
    return {
        "auroc": round(auroc(positive, negative), 4) if both else None,
        "at_unknown": len(positive),
        "at_known": len(negative),
    }


def _foreign(scores: Sequence[ImageScore]) -> dict[str, Any]:
    named = [each.named for each in scores if each.named is not None]
    with_area = [(each.area, each.searched) for each in named if each.area is not None]
    searched = sum(each for _, each in with_area)
    area = sum(each for each, _ in with_area)
    return {
        "images": len(named),
        "named_points": sum(each.points for each in named),
        "named_area": round(area / searched, 6) if searched else None,
    }


def _stated(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as JSON-safe figures of four digits."""
    figures = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if each is None else round(each, 4) for name, each in figures.items()}
