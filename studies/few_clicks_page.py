"""``docs/few-clicks.md`` from the figures of the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import few_clicks_texts as texts
import numpy as np

from napari_stem_defects.reporting.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Figures = dict[str, Any]

METHODS = {
    "quick": "quick model",
    "few": "CNN from few labels",
    "scratch": "CNN from scratch",
    "any-crystal": "any-crystal, no label",
    "forest": "pixel random forest",
    "matched-filter": "plain matched filter",
}
OWN_METHOD = "quick"
SURVEY = "survey"
GROUPS = {
    "public": "public images, treated as a material of which nothing is known",
    "report": "simulated crystals that no method was tuned on",
    "design": "simulated crystals that methods were tuned on",
}
OWN_TITLE = "Quick models"
OTHERS_TITLE = "Other methods"
KINDS = {
    "point": "Points: F1",
    "line": "Lines: found / false area",
    "area": "Areas: overlap / false area",
}
FIRST_CLICKS = (1, 3, 7)
MAIN_CLICKS = 7
# Measured on some tasks only.
FEW_TASKS = ("few", "scratch", "any-crystal")
RESAMPLES = 2000
PARTICLE_COUNTS = (
    "found",
    "missing",
    "false",
    "false_in_perfect",
    "named",
    "false_names",
    "false_names_in_perfect",
)
LOST = 0.05
# What is right of a mask.
SHARES = {"line": "found", "area": "overlap"}


def page(
    figures: Sequence[Figures],
    many_columns: Sequence[Figures] = (),
    particles: Sequence[Figures] = (),
    few_periods: Sequence[Figures] = (),
    crowds: Sequence[Figures] = (),
    stray: Sequence[Figures] = (),
) -> str:
    """Return the whole page in Markdown: what quick models reach, then what compares and explains.

    What other studies measured has a section each.
    """
    blocks = [texts.INTRODUCTION, *_by_clicks(figures), *_summary(figures), *_mixed(figures)]
    blocks += _task_by_task(figures, [OWN_METHOD])
    surveys = [each for each in figures if each["method"] == SURVEY]
    if surveys:
        blocks += ["## Surveys: AUROC without labels", _of_surveys(surveys)]
    sections = (
        ("A click beside every defect", texts.STRAY, stray, _of_stray_clicks),
        ("Cells of many columns", texts.MANY_COLUMNS, many_columns, _of_many_columns),
        ("Particles", texts.PARTICLES, particles, _of_particles),
        ("Surveys of few periods", texts.FEW_PERIODS, few_periods, _of_few_periods),
        ("Surveys where point defects crowd", texts.CROWDS, crowds, _of_crowds),
    )
    for title, about, measured, write in sections:
        if measured:
            blocks += [f"## {title}", about, write(measured)]
    blocks += ["## How to read and repeat this", texts.RULES]
    blocks += ["## The methods compared", texts.COMPARED]
    blocks += _task_by_task(figures, [name for name in METHODS if name != OWN_METHOD])
    blocks += ["## How the methods were developed", texts.HISTORY]
    return "\n\n".join(blocks) + "\n"


def _of_stray_clicks(draws: Sequence[Figures]) -> str:
    """Return the table of quick models with and without a click beside every defect."""
    rows = [
        (
            group,
            kind,
            str(len({each["task"] for each in mine})),
            *(_mean_of_draws([each[name] for each in mine]) for name in ("as_drawn", "stray")),
            str(sum(_loss(each) > LOST for each in mine)) + f" of {len(mine)}",
        )
        for (group, kind), mine in _grouped(draws, ("group", "kind"))
    ]
    lost = f"draws that lose more than {LOST:g}"
    return table([("group", "kind", "tasks", "five clicks", "one of them stray", lost), *rows])


def _loss(draw: Figures) -> float:
    """Return by how much F1, or the share of a line that is found, is lower with a stray click."""
    name = "f1" if draw["kind"] == "point" else "found"
    return float(draw["as_drawn"][name] - draw["stray"][name])


def _of_many_columns(cells: Sequence[Figures]) -> str:
    """Return the table of the cells of many columns."""
    numbers = sorted({draw["clicks"] for cell in cells for draw in cell["draws"]})
    clicks = (f"quick model, {k} click{'s' if k > 1 else ''}" for k in numbers)
    rows = [
        (
            cell["title"],
            cell["group"],
            f"{cell['survey']['auroc']:.3f}",
            f"{cell['survey']['above']} of {cell['survey']['defects']}",
            *(_mean_of_draws(_draws(cell, k)) for k in numbers),
        )
        for cell in cells
    ]
    return table([("cell", "group", "survey, AUROC", "above 99 %", *clicks), *rows])


def _of_particles(particles: Sequence[Figures]) -> str:
    """Return the table of the particles."""
    survey = "survey: missing columns", "other places + in perfect particles"
    names = "any-crystal: missing columns", "other names"
    head = ("width", "particles", *survey, *names, "quick model, 5 clicks")
    rows = []
    for width in sorted({each["width"] for each in particles}):
        mine = [each for each in particles if each["width"] == width]
        total = {name: sum(each[name] for each in mine) for name in PARTICLE_COUNTS}
        missing, others = total["missing"], total["false_names"] + total["false_names_in_perfect"]
        f1 = np.mean([each["f1"] for each in mine if "f1" in each])
        rows.append(
            (
                f"{width} periods",
                str(len(mine)),
                f"{total['found']} of {missing}",
                f"{total['false']} + {total['false_in_perfect']}",
                f"{total['named']} of {missing}",
                str(others),
                f"F1 {f1:.2f}",
            )
        )
    return table([head, *rows])


def _of_few_periods(cases: Sequence[Figures]) -> str:
    """Return the table of surveys of few periods."""
    head = ("group", "noise", "periods", "images", "places in perfect crystals")
    rows = [
        (
            group,
            dose,
            f"{periods:g}",
            str(len(mine)),
            str(sum(each["in_perfect"] for each in mine)),
            f"{sum(each['found'] for each in mine)} of {sum(each['missing'] for each in mine)}",
            str(sum(each["other"] for each in mine)),
        )
        for (group, dose, periods), mine in _grouped(cases, ("group", "dose", "periods"))
    ]
    return table([(*head, "missing columns found", "other places"), *rows])


def _of_crowds(cases: Sequence[Figures]) -> str:
    """Return the table of surveys where point defects crowd."""
    rows = [
        (
            group,
            f"{100 * share:g} %",
            f"{remaining:g}",
            f"{sum(each['found'] for each in mine)} of {sum(each['missing'] for each in mine)}",
            str(sum(each["other"] for each in mine)),
        )
        for (group, share, remaining), mine in _grouped(cases, ("group", "share", "remaining"))
    ]
    return table([("group", "share", "brightness left", "found", "other places"), *rows])


def _grouped(
    cases: Sequence[Figures], names: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], list[Figures]]]:
    """Yield the cases that have the same values of some names, in the order of the first ones."""
    found: dict[tuple[Any, ...], list[Figures]] = {}
    for case in cases:
        found.setdefault(tuple(case[name] for name in names), []).append(case)
    yield from found.items()


def _mean_of_draws(draws: Sequence[Figures]) -> str:
    if not draws:
        return "-"
    if "f1" in draws[0]:
        return f"F1 {np.mean([draw['f1'] for draw in draws]):.2f}"
    found, false = (np.mean([draw[name] for draw in draws]) for name in ("found", "false_area"))
    return f"{found:.2f} / {100 * false:.2f} %"


def _mixed(figures: Sequence[Figures]) -> Iterator[str]:
    """State which methods have figures of several states of the code, or of an unknown one."""
    for method in (*METHODS, SURVEY):
        mine = [each for each in figures if each["method"] == method]
        sources = {draw.get("source") for each in mine for draw in each.get("draws", [each])}
        if len(sources) > 1 or None in sources:
            name = METHODS.get(method, "survey")
            yield (
                f"**The figures of the {name} come from several or unrecorded states of the "
                f"code.** "
                f"`python studies/few_clicks.py --method {method}` measures them again."
            )


def _by_clicks(figures: Sequence[Figures]) -> Iterator[str]:
    """Return the means of quick models by number of clicks, of tasks that have all the numbers."""
    rows = []
    for (group, kind), here in _grouped(_sorted(figures), ("group", "kind")):
        mine = [each for each in here if each["method"] == OWN_METHOD]
        mine = [each for each in mine if all(_draws(each, k) for k in FIRST_CLICKS)]
        if mine:
            cells = (_mean_of_tasks([_draws(each, k) for each in mine], kind) for k in FIRST_CLICKS)
            seconds = np.median([_seconds(each) for each in mine])
            rows.append((group, kind, str(len(mine)), *cells, f"{seconds:.1f} s"))
    if rows:
        yield "## Quick models by number of clicks"
        clicks = (f"{k} click{'s' if k > 1 else ''}" for k in FIRST_CLICKS)
        yield table([("images", "kind", "tasks", *clicks, "learning and search"), *rows])
        yield texts.CELLS


def _sorted(figures: Sequence[Figures]) -> list[Figures]:
    """Return the figures of groups and kinds that the page has, in its order."""
    groups, kinds = list(GROUPS), list(KINDS)
    known = [each for each in figures if each["group"] in groups and each["kind"] in kinds]
    return sorted(known, key=lambda each: (groups.index(each["group"]), kinds.index(each["kind"])))


def _summary(figures: Sequence[Figures]) -> Iterator[str]:
    rows = list(_summary_rows(figures))
    if rows:
        yield f"## Beside other methods, {MAIN_CLICKS} clicks"
        yield (
            "Means over tasks. Each row covers the tasks that all its methods measured, but for the"
            " networks."
        )
        yield table([("images", "kind", "tasks", *METHODS.values()), *rows])


def _summary_rows(figures: Sequence[Figures]) -> Iterator[Sequence[str]]:
    for group in GROUPS:
        for kind in KINDS:
            here = [each for each in figures if (each["group"], each["kind"]) == (group, kind)]
            if not here:
                continue
            shared = _shared_tasks(here)
            cells = [_mean_cell(here, method, kind, shared) for method in METHODS]
            yield (group, kind, f"{len(shared)} of {len({e['task'] for e in here})}", *cells)


def _shared_tasks(figures: Sequence[Figures]) -> set[str]:
    """Return the tasks that every method measured; a method with few draws does not count."""
    measured = [
        {each["task"] for each in figures if each["method"] == method and _draws(each, MAIN_CLICKS)}
        for method in METHODS
        if method not in FEW_TASKS
    ]
    measured = [tasks for tasks in measured if tasks]
    return set.intersection(*measured) if measured else set()


def _mean_cell(figures: Sequence[Figures], method: str, kind: str, shared: set[str]) -> str:
    mine = [each for each in figures if each["method"] == method and each["task"] in shared]
    draws = [each for each in (_draws(each, MAIN_CLICKS) for each in mine) if each]
    if not draws:
        return "-"
    count = (
        f" ({len(draws)} task{'s' if len(draws) > 1 else ''})" if len(draws) < len(shared) else ""
    )
    return _mean_of_tasks(draws, kind) + count


def _mean_of_tasks(draws: Sequence[Sequence[Figures]], kind: str) -> str:
    """Return the cell of the mean over tasks, of what is right and of what is false."""
    if kind == "point":
        return f"F1 {_mean_of(draws, 'f1'):.2f}"
    false = 100 * _mean_of(draws, "false_area")
    return f"{_mean_of(draws, SHARES[kind]):.2f} / {false:.2f} %"


def _mean_of(draws: Sequence[Sequence[Figures]], name: str) -> float:
    return float(np.mean([np.mean([each[name] for each in task]) for task in draws]))


def _task_by_task(figures: Sequence[Figures], methods: Sequence[str]) -> Iterator[str]:
    """Return the sections of some methods: a table for each group of images, kind and method."""
    for group, title in GROUPS.items():
        here = [each for each in figures if each["group"] == group and each["method"] in methods]
        if here:
            first = OWN_TITLE if OWN_METHOD in methods else OTHERS_TITLE
            yield f"## {first}: {title}"
            yield from _of_group(here)


def _of_group(figures: Sequence[Figures]) -> Iterator[str]:
    for kind, title in KINDS.items():
        here = [each for each in figures if each["kind"] == kind]
        methods = [name for name in METHODS if any(each["method"] == name for each in here)]
        for method in methods:
            mine = [each for each in here if each["method"] == method]
            numbers = sorted({draw["clicks"] for each in mine for draw in each["draws"]})
            yield f"### {title}, {METHODS[method]}"
            head = ("task", *(f"{k} click{'s' if k > 1 else ''}" for k in numbers), "time")
            yield table([head, *(_row(each, numbers) for each in mine)])


def _of_surveys(surveys: Sequence[Figures]) -> str:
    """Return the table of label-free surveys."""
    rows = [
        (
            each["title"],
            group,
            f"{each['auroc']:.3f}",
            f"{each.get('above', '-')} of {each['defects']}",
            f"{each['seconds']:.1f} s",
        )
        for group in GROUPS
        for each in surveys
        if each["group"] == group
    ]
    return table([("task", "images", "AUROC", "above 99 % of perfect places", "time"), *rows])


def _row(figures: Figures, numbers: Iterable[int]) -> Sequence[str]:
    cells = [_cell(_draws(figures, k)) for k in numbers]
    return (figures["title"], *cells, f"{_seconds(figures):.1f} s")


def _seconds(figures: Figures) -> float:
    """Return the median time of learning and search of a task."""
    return float(np.median([draw["learning_s"] + draw["search_s"] for draw in figures["draws"]]))


def _draws(figures: Figures, clicks: int) -> list[Figures]:
    return [draw for draw in figures.get("draws", ()) if draw["clicks"] == clicks]


def _cell(draws: Sequence[Figures]) -> str:
    if not draws:
        return "-"
    if "f1" in draws[0]:
        return _with_interval([draw["f1"] for draw in draws])
    false = [100 * draw["false_area"] for draw in draws]
    share = next(name for name in SHARES.values() if name in draws[0])
    found = _with_interval([draw[share] for draw in draws])
    return f"{found} / {np.mean(false):.2f} %"


def _with_interval(values: Sequence[float]) -> str:
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.2f} (one draw)"
    index = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(np.array(values)[index].mean(1), [2.5, 97.5])
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"
