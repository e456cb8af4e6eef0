"""Classes that a new label project can start with."""

from __future__ import annotations

START_CLASSES = {
    "CdTe": ("Bulk", "SF1", "SF2", "LC", "Twin_Bound", "Vacancy_CdTe", "interstitial"),
    "SrTiO3": ("Bulk", "Extra", "IExtra", "Mis"),
    "no classes yet": (),
}
"""Classes of a new project, by title: those of the public data sets."""
