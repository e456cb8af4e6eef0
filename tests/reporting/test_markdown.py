"""Reports as Markdown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_samples import HISTORY, evaluated, report

from napari_stem_defects.reporting.markdown import (
    evaluation_text,
    format_interval,
    report_text,
    short_text,
    table,
)
from napari_stem_defects.training.evaluate import EvaluationReport
from napari_stem_defects.training.metrics import Proportion


def test_tables_align() -> None:
    lines = table([("a", "bb"), ("ccc", "1")]).splitlines()
    assert lines == ["| a   | bb |", "| --- | -: |", "| ccc |  1 |"]


def test_proportions_have_an_interval() -> None:
    assert format_interval(Proportion(0.974, 0.95, 0.987)) == "0.974 (0.950-0.987)"
    assert format_interval(Proportion()) == "-"


def test_a_split_is_named_explained_and_counted() -> None:
    text = evaluation_text(evaluated("site", untestable={"SF1": "one defect"}), format_interval)
    assert text.startswith("## Held-out defects\n\nWhat this means: meaning of site.")
    assert "SF1 cannot be tested: one defect." in text
    (row,) = (line for line in text.splitlines() if line.startswith("| Bulk"))
    assert [cell.strip() for cell in row.split("|")[4:9]] == "10 0 1 9 1".split()


def test_few_windows_are_not_compared_with_many() -> None:
    few = report()
    assert "Marvin" not in short_text(few)
    assert "per 1140" not in report_text(few, {})


def test_classes_without_any_label_have_no_row() -> None:
    counts = {"training": {"Bulk": 0, "SF1": 9}, "test": {"Bulk": 0, "SF1": 9}}
    text = evaluation_text(evaluated("site", counts=counts), format_interval)
    assert not any(line.startswith("| Bulk") for line in text.splitlines())


def test_the_whole_report_has_all_tables_and_facts() -> None:
    text = report_text(report(), {"seeds": "0"})
    assert text.startswith("# Report on striped\n\nA remark.")
    assert "| pretraining, seed 0 |" in text
    assert "Windows by label (row) and class assigned (column)." in text
    assert text.endswith("- seeds: 0\n")


def test_the_auxiliary_loss_has_a_title() -> None:
    history = [*HISTORY, {**HISTORY[0], "class": "lesson"}]
    assert "| auxiliary loss, seed 0 |" in report_text(report(history=history), {})


def test_without_a_history_there_is_no_training_table() -> None:
    assert "## Training" not in report_text(report(history=[]), {})


LONG = replace(report(), notes=("a long remark " * 20, "short"))


@pytest.mark.parametrize("made", [report(), report(history=[]), LONG])
def test_the_short_form_fits_a_terminal(made: EvaluationReport) -> None:
    assert max(map(len, short_text(made).splitlines())) <= 120
