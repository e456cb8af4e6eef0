"""A report as Markdown that reads well on paper and in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.training.metrics import REFERENCE_ERRORS, REFERENCE_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation
    from napari_stem_defects.training.metrics import ClassFigures, Evaluation, Rate

TITLES = {
    "random": "Random split",
    "site": "Held-out defects",
    "region": "Held-out regions",
    "image": "Held-out images",
    "": "All labels given",
}
REFERENCE = (
    f"For comparison: Marvin et al. had {REFERENCE_ERRORS} errors in {REFERENCE_WINDOWS} test"
    " windows (974 + 163 right), with a random split."
)
INTERVALS = (
    "Brackets: 95 % intervals (Wilson) as if windows were independent; windows of one defect are"
    " not, so the true ones are wider."
)
_MISSING = "-"


def report_text(assessment: EvaluationReport, facts: Mapping[str, str]) -> str:
    """Return the whole report; ``facts`` say what was done with what, one line each."""
    blocks = [f"# Report on {assessment.ensemble.spec.name}", *assessment.notes]
    for measurement in assessment.measurements:
        blocks += [measurement_text(measurement, rate), *_details(measurement.evaluation)]
    blocks += [REFERENCE, INTERVALS]
    if assessment.history:
        blocks += ["## Training", table(_history_rows(assessment.history))]
    blocks += ["## How", "\n".join(f"- {name}: {fact}" for name, fact in facts.items())]
    return "\n\n".join(blocks) + "\n"


def short_text(assessment: EvaluationReport) -> str:
    """Return what fits a terminal: the notes and every table per class, without intervals."""
    tables = [measurement_text(each, _plain_rate) for each in assessment.measurements]
    return "\n\n".join([*assessment.notes, *tables, REFERENCE])


def measurement_text(measurement: SplitEvaluation, rated: Callable[[Rate], str]) -> str:
    """Return the heading, its meaning, the table per class and what could not be tested."""
    evaluation = measurement.evaluation
    blocks = [
        f"## {TITLES[measurement.split]}",
        f"What this means: {measurement.meaning}.",
        table(_class_rows(measurement, rated)),
    ]
    blocks += [f"{name} cannot be tested: {why}." for name, why in measurement.untestable.items()]
    if evaluation.accuracy.value is not None:
        right, unclaimed = rate(evaluation.accuracy), rate(evaluation.unknown)
        blocks.append(f"Most probable class is the right one: {right}; no class: {unclaimed}.")
    return "\n\n".join([*blocks, *measurement.notes])


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows, the first of them the heading, as an aligned Markdown table."""
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


def rate(share: Rate) -> str:
    """Return a share with its interval, like ``0.974 (0.950-0.987)``."""
    if share.value is None:
        return _MISSING
    return f"{share.value:.3f} ({share.low:.3f}-{share.high:.3f})"


def _plain_rate(share: Rate) -> str:
    return _number(share.value)


def _number(value: float | None, digits: int = 3) -> str:
    return _MISSING if value is None else f"{value:.{digits}f}"


def _class_rows(
    measurement: SplitEvaluation, rated: Callable[[Rate], str]
) -> Iterator[tuple[str, ...]]:
    trained, tested = (measurement.counts.get(part, {}) for part in ("training", "test"))
    yield (
        *("class", "trained on", "tested on", "tn", "fp", "fn", "tp", "errors"),
        *(f"per {REFERENCE_WINDOWS}", "precision", "recall", "F1"),
    )
    for name, figures in measurement.evaluation.classes.items():
        yield (
            name,
            str(trained.get(name, _MISSING)),
            str(tested.get(name, 0)),
            *_counts(figures),
            _number(figures.errors_per_1140, 1),
            *map(rated, (figures.precision, figures.recall, figures.f1)),
        )


def _counts(figures: ClassFigures) -> tuple[str, ...]:
    counts = (figures.tn, figures.fp, figures.fn, figures.tp, figures.errors)
    return tuple(map(str, counts))


def _details(evaluation: Evaluation) -> Iterator[str]:
    """Yield the tables that the short form leaves out."""
    yield "Probabilities: area under the ROC curve, expected calibration error."
    sharpness = [
        (name, _number(figures.auroc), _number(figures.calibration_error))
        for name, figures in evaluation.classes.items()
    ]
    yield table([("class", "AUROC", "calibration error"), *sharpness])
    if evaluation.rows:
        yield "Label (row) and most probable class that claims the window (column)."
        counted = zip(evaluation.rows, evaluation.confusion, strict=True)
        confusion = [(name, *map(str, counts)) for name, counts in counted]
        yield table([("label", *evaluation.columns), *confusion])


def _history_rows(history: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield "member", "epochs", "first loss", "last loss", "last validation loss"
    runs: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for epoch in history:
        runs.setdefault((epoch["class"], epoch["seed"]), []).append(epoch)
    for (name, seed), epochs in runs.items():
        yield (
            f"{name or 'common start'}, seed {seed}",
            str(len(epochs)),
            _number(epochs[0]["loss"], 4),
            _number(epochs[-1]["loss"], 4),
            _number(epochs[-1]["validation_loss"], 4),
        )
