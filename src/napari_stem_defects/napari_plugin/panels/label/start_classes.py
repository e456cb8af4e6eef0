"""Classes that a new label project can start with."""

from __future__ import annotations

from napari_stem_defects.base.defect_classes import BULK

START_CLASSES = {
    "CdTe": ("Bulk", "SF1", "SF2", "LC", "Twin_Bound", "Vacancy_CdTe", "interstitial"),
    "SrTiO3": ("Bulk", "Extra", "IExtra", "Mis"),
    "no classes yet": (),
}
"""Classes of a new project, by title: those of the public data sets."""

FIRST_CLASS = "Defect"
"""Class of the first click."""
FIRST_CLASSES = (BULK, FIRST_CLASS)
"""Classes of a project that starts with a click, before a defect has a name."""
