"""Small quick models."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.templates import REACH, Template, gaussian_weight
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.training.quick import quick_ensemble

CLASSES = (DefectClass(BULK, "bulk"), DefectClass("GB", "line"), DefectClass("Vac", "point"))


def quick_filters() -> MatchedFilterModel:
    """Return a model with a class without and one with templates, and a negative."""
    rng = np.random.default_rng(5)
    weight = gaussian_weight(7.0, REACH["point"])

    def template(clicks: int) -> Template:
        pattern = rng.normal(size=weight.shape).astype(np.float32)
        return Template(pattern, weight, 1.0, clicks)

    boundary = ClassFilter("GB", "line", (), 0.5, 2.5, 0.5)
    vacancy = ClassFilter("Vac", "point", (template(4), template(2)), 0.625, 6.0, 0.9375)
    return MatchedFilterModel(7.0, (boundary, vacancy), (template(1),))


def quick_model(name: str = "quick") -> Ensemble:
    """Return the same model as an ensemble."""
    return quick_ensemble(quick_filters(), CLASSES, name, [Click(0, 1.0, 1.0, "Vac")])
