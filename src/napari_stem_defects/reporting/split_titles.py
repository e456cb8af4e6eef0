"""Headings for the splits of an evaluation, the same in files and panels."""

from __future__ import annotations

_TITLES = {
    "random": "Random split",
    "site": "Held-out defects",
    "region": "Held-out regions",
    "image": "Held-out images",
    "quick": "Quick model, the same held-out defects",
    "": "All labels given",
}


def split_title(split: str) -> str:
    """Return the heading of an evaluation.

    Parameters
    ----------
    split : str
        What was held out together: "site", "region", "image" or "random"; "quick" for a quick model
        beside networks; "" for an evaluation on all labels.

    Returns
    -------
    str
    """
    return _TITLES.get(split, f"Held out by {split}")
