"""Evaluation reports as Markdown, for files and for the terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from napari_stem_defects.reporting.losses import member_title
from napari_stem_defects.reporting.split_titles import split_title
from napari_stem_defects.training.metrics import (
    FEW_WINDOWS,
    REFERENCE_ERRORS,
    REFERENCE_WINDOWS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation
    from napari_stem_defects.training.metrics import ClassMetrics, Proportion

REFERENCE = (
    f"For comparison: Marvin et al. had {REFERENCE_ERRORS} errors in {REFERENCE_WINDOWS} test"
    " windows (974 + 163 right), with a random split."
)
INTERVALS = (
    "Brackets: 95 % intervals (Wilson) as if windows were independent; windows of one defect are"
    " not, so the true ones are wider."
)
_MISSING, _WIDTH = "-", 120


def report_text(report: EvaluationReport, facts: Mapping[str, str]) -> str:
    """Return the whole report.

    Parameters
    ----------
    report : EvaluationReport
    facts : mapping of str to str
        How the ensemble was made, for a list at the end.

    Returns
    -------
    str
        Markdown.
    """
    blocks = [f"# Report on {report.ensemble.spec.name}", *report.notes]
    for evaluation in report.evaluations:
        blocks += [evaluation_text(evaluation, format_interval), *_details(evaluation)]
    blocks += [*_reference(report), INTERVALS]
    if report.history:
        blocks += ["## Training", table(_history_rows(report.history))]
    blocks += ["## How", "\n".join(f"- {name}: {fact}" for name, fact in facts.items())]
    return "\n\n".join(blocks) + "\n"


def short_text(report: EvaluationReport) -> str:
    """Return the notes and the tables per class, without intervals, for a terminal.

    Parameters
    ----------
    report : EvaluationReport

    Returns
    -------
    str
        Markdown, at most 120 characters wide.
    """
    tables = [evaluation_text(each, _format_value) for each in report.evaluations]
    blocks = "\n\n".join([*report.notes, *tables, *_reference(report)]).split("\n\n")
    return "\n\n".join(each if each.startswith("|") else _filled(each) for each in blocks)


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _reference(report: EvaluationReport) -> list[str]:
    """Return the comparison with the reference, unless there are too few windows for one."""
    windows = max((each.metrics.windows for each in report.evaluations), default=0)
    return [REFERENCE] if windows >= FEW_WINDOWS else []


def evaluation_text(
    evaluation: SplitEvaluation, format_proportion: Callable[[Proportion], str]
) -> str:
    """Return one split: its heading and meaning, the table per class, what was not tested.

    Parameters
    ----------
    evaluation : SplitEvaluation
    format_proportion : callable
        Writes precision, recall and F1.

    Returns
    -------
    str
        Markdown.
    """
    metrics = evaluation.metrics
    blocks = [
        f"## {split_title(evaluation.split)}",
        f"What this means: {evaluation.meaning}.",
        table(_class_rows(evaluation, format_proportion)),
    ]
    blocks += [f"{name} cannot be tested: {why}." for name, why in evaluation.untestable.items()]
    if metrics.accuracy.value is not None:
        correct, unassigned = map(format_interval, (metrics.accuracy, metrics.unknown))
        blocks.append(f"Most probable class is the right one: {correct}; no class: {unassigned}.")
    return "\n\n".join([*blocks, *evaluation.notes])


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned Markdown table.

    Parameters
    ----------
    rows : iterable of sequence of str
        The first one is the heading.

    Returns
    -------
    str
        The first column is aligned to the left, the others to the right.
    """
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = [f"{'-' * (width - 1)}:" if i else "-" * width for i, width in enumerate(widths)]
    lines = []
    for row in (cells[0], rule, *cells[1:]):
        padded = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def format_interval(share: Proportion) -> str:
    """Return a proportion with its interval.

    Parameters
    ----------
    share : Proportion

    Returns
    -------
    str
        Such as ``0.974 (0.950-0.987)``; ``-`` where nothing was counted.
    """
    if share.value is None:
        return _MISSING
    return f"{share.value:.3f} ({share.low:.3f}-{share.high:.3f})"


def _format_value(share: Proportion) -> str:
    return _number(share.value)


def _number(value: float | None, digits: int = 3) -> str:
    return _MISSING if value is None else f"{value:.{digits}f}"


def _class_rows(
    evaluation: SplitEvaluation, format_proportion: Callable[[Proportion], str]
) -> Iterator[tuple[str, ...]]:
    trained, tested = (evaluation.counts.get(part, {}) for part in ("training", "test"))
    many = evaluation.metrics.windows >= FEW_WINDOWS
    yield (
        *("class", "trained on", "tested on", "tn", "fp", "fn", "tp", "errors"),
        *((f"per {REFERENCE_WINDOWS}",) if many else ()),
        *("precision", "recall", "F1"),
    )
    for name in _labelled(evaluation):
        figures = evaluation.metrics.classes[name]
        yield (
            name,
            str(trained.get(name, _MISSING)),
            str(tested.get(name, 0)),
            *_counts(figures),
            *((_number(figures.errors_per_1140, 1),) if many else ()),
            *map(format_proportion, (figures.precision, figures.recall, figures.f1)),
        )


def _labelled(evaluation: SplitEvaluation) -> list[str]:
    """Return the classes with a label: Bulk has none where only defects were clicked."""
    trained, tested = (evaluation.counts.get(part, {}) for part in ("training", "test"))
    names = evaluation.metrics.classes
    return [name for name in names if trained.get(name, 1) or tested.get(name, 0)]


def _counts(figures: ClassMetrics) -> tuple[str, ...]:
    counts = (figures.tn, figures.fp, figures.fn, figures.tp, figures.errors)
    return tuple(map(str, counts))


def _details(evaluation: SplitEvaluation) -> Iterator[str]:
    """Yield the tables that the short form leaves out."""
    metrics = evaluation.metrics
    yield "Probabilities: area under the ROC curve, expected calibration error."
    sharpness = [
        (name, _number(figures.auroc), _number(figures.calibration_error))
        for name in _labelled(evaluation)
        if (figures := metrics.classes[name])
    ]
    yield table([("class", "AUROC", "calibration error"), *sharpness])
    if metrics.rows:
        yield "Windows by label (row) and class assigned (column)."
        counted = zip(metrics.rows, metrics.confusion, strict=True)
        confusion = [(name, *map(str, counts)) for name, counts in counted]
        yield table([("label", *metrics.columns), *confusion])


def _history_rows(history: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield "member", "epochs", "first loss", "last loss", "last validation loss"
    runs: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for epoch in history:
        runs.setdefault((epoch["class"], epoch["seed"]), []).append(epoch)
    for (name, seed), epochs in runs.items():
        yield (
            f"{member_title(name)}, seed {seed}",
            str(len(epochs)),
            _number(epochs[0]["loss"], 4),
            _number(epochs[-1]["loss"], 4),
            _number(epochs[-1]["validation_loss"], 4),
        )
