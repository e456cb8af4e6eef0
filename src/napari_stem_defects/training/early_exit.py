"""From which Bulk probability on a window can do without the other members.

Detection spares windows of which the Bulk member is sure the other members. How sure it has to
be differs between materials: a vacancy among hundreds of columns is nearly bulk. So training
looks, on windows kept out of it, how sure of Bulk the member is where there is a defect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.inference.sliding_window import EARLY_EXIT_PROBABILITY, NEVER
from napari_stem_defects.training.evaluate import logits_of
from napari_stem_defects.training.sampling import (
    moved,
    plain_samples,
)

if TYPE_CHECKING:
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.training.dataset import TrainingSet

# Sites of every other class without which there is nothing to conclude from. None of fifty
# missed leaves, at 95 % confidence, up to 6 % to miss; hence the margin.
FEWEST_SITES = 50
# Added to the highest logit of Bulk on a defect.
MARGIN = 1.0


def bulk_clears_from(ensemble: Ensemble, kept_out: TrainingSet, *, device: str = "cpu") -> float:
    """Return a Bulk probability that no window on another class's defect comes near.

    Parameters
    ----------
    ensemble : Ensemble
        Calibrated, with a Bulk member.
    kept_out : TrainingSet
        Sites neither trained nor tested on. Windows on clicks are looked at where a scan may
        see them: up to half a step from the click on either axis.
    device : str
        A torch device name.

    Returns
    -------
    float
        `EARLY_EXIT_PROBABILITY` to 1; 1 where nothing is safe, or where a class has fewer than fifty sites.
    """
    spec = ensemble.spec
    column = spec.classes.index(BULK)
    others = [name for name in spec.classes if name != BULK]
    if not others or min(kept_out.labels.count(name) for name in others) < FEWEST_SITES:
        return NEVER
    defects = kept_out.only(np.isin(kept_out.labels, others))
    step = spec.stride_px / 2 * (defects.radius_px > 0)
    highest = 0.0
    for down, across in ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        seen = moved(defects, down * step, across * step)
        logits = logits_of(ensemble, plain_samples(seen, spec.preprocessing), device=device)
        highest = max(highest, float(spec.calibrated(logits)[:, column].max()))
    return float(np.clip(expit(logit(highest) + MARGIN), EARLY_EXIT_PROBABILITY, NEVER))
