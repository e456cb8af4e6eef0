"""Early-exit threshold: Bulk probability above which the defect members are skipped.

In detection, windows that the Bulk member classifies with enough confidence are not passed to the
other members (a cascade with early exit). The necessary confidence differs between materials: a
window on a vacancy among hundreds of columns looks almost like Bulk. Training therefore measures
the Bulk probability at defects that were kept out of training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.inference.early_exit import (
    EARLY_EXIT_PROBABILITY,
    NEVER,
)
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.sampling import plain_samples, shift_sites

if TYPE_CHECKING:
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.training.dataset import TrainingSet

# Fewest sites of every other class for an estimate. If none of fifty is missed, up to 6 % may
# still be missed (95 % confidence); hence the margin.
MIN_SITES = 50
# Added to the highest logit of Bulk at a defect.
MARGIN = 1.0
# Corners of half a step of the sliding window, (dy, dx).
_SHIFTS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def early_exit_threshold(
    ensemble: Ensemble, kept_out: TrainingSet, *, device: str = "cpu"
) -> float:
    """Compute a Bulk probability that no window on a defect reaches.

    Parameters
    ----------
    ensemble : Ensemble
        Calibrated, with a Bulk member.
    kept_out : TrainingSet
        Sites that were neither trained nor tested on. Windows at clicks are also evaluated half a
        step of the sliding window away on both axes.
    device : str
        A torch device name.

    Returns
    -------
    float
        `EARLY_EXIT_PROBABILITY` to 1; 1 (no early exit) if no probability is safe, or if a class
        has fewer than `MIN_SITES` sites.
    """
    spec = ensemble.spec
    column = spec.classes.index(BULK)
    others = [name for name in spec.classes if name != BULK]
    if not others or min(kept_out.labels.count(name) for name in others) < MIN_SITES:
        return NEVER
    defects = kept_out.subset(np.isin(kept_out.labels, others))
    step = spec.inference.stride_px / 2 * (defects.extent_px > 0)
    highest = 0.0
    for dy, dx in _SHIFTS:
        samples = plain_samples(shift_sites(defects, dy * step, dx * step), spec.preprocessing)
        logits = predict_logits(ensemble, samples, device=device)
        highest = max(highest, float(spec.calibrated_probabilities(logits)[:, column].max()))
    return float(np.clip(expit(logit(highest) + MARGIN), EARLY_EXIT_PROBABILITY, NEVER))
