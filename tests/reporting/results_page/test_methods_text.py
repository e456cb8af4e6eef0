"""The methods paragraph states everything that is needed to repeat the analysis."""

from __future__ import annotations

import re

from report_images import image

from napari_stem_defects.reporting.results_page.methods_text import (
    REFERENCES,
    cited,
    methods_paragraphs,
    references_list,
)


def test_the_paragraph_states_model_hash_versions_and_parameters() -> None:
    keys = cited(has_accuracy=True, has_comparison=True, has_arrangement=True)
    text = " ".join(methods_paragraphs([image("a"), image("b", frames=3)], keys))
    for part in (
        "ab" * 32,
        "small",
        "Vacancy 0.5",
        "8 px",
        "0.1 nm",
        "2 images",
        "4 frames",
        "Python 3.12",
        "800 nm²",
    ):
        assert part in text, part


def test_every_reference_is_cited_and_every_number_is_a_reference() -> None:
    for options in ((True, True, True), (False, True, False), (False, False, True)):
        keys = cited(
            **dict(zip(("has_accuracy", "has_comparison", "has_arrangement"), options, strict=True))
        )
        text = " ".join(methods_paragraphs([image()], keys))
        numbers = {
            int(each) for group in re.findall(r"\[([\d, ]+)\]", text) for each in group.split(",")
        }
        assert numbers <= set(range(1, len(keys) + 1))
        if options[1:] != (True, False):
            assert numbers == set(range(1, len(keys) + 1))
        assert references_list(keys).count("<li>") == len(keys)


def test_references_have_a_year_or_a_licence() -> None:
    assert all(re.search(r"\(\d{4}\)|BSD", text) for text in REFERENCES.values())
