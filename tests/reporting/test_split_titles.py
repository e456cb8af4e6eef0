"""Headings of evaluations."""

from __future__ import annotations

import pytest

from napari_stem_defects.reporting.split_titles import split_title


@pytest.mark.parametrize(
    ("split", "title"),
    [
        ("site", "Held-out defects"),
        ("random", "Random split"),
        ("", "All labels given"),
        ("sample", "Held out by sample"),
    ],
)
def test_each_split_has_a_title(split: str, title: str) -> None:
    assert split_title(split) == title
