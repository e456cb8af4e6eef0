"""``docs/results.md`` from the runs' figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.reporting.markdown import table
from napari_stem_defects.training.metrics import REFERENCE_ERRORS, REFERENCE_WINDOWS, wilson
from napari_stem_defects.training.splits import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Figures = dict[str, Any]

MAIN = "suited"
METHODS = {
    "suited": "networks, default recipe for patches",
    "abstract": "networks, the abstract's recipe",
    "suited-fft": "networks, default recipe on the FFT",
    "suited-fft+real": "networks, default recipe on FFT and patch",
    "logistic-fft": "logistic regression on the FFT",
    "kernel-rings": "RBF support vector machine on rings and sectors",
    "anomaly-bulk": "distance from Bulk's components (only Bulk or not)",
    "atomai": "AtomAI's classifier",
}
# What a method answers for, where that is not every class.
ANSWERS_FOR = {"anomaly-bulk": ("Bulk",)}
TITLES = {"random": "random", "site": "held-out defects", "region": "held-out regions"}
MOST_WRONG = 12
INTRODUCTION = f"""\
# Results on the public patches

Written by `python studies/results.py` from the files in `studies/runs`, one per run; do not edit.
The patches are the public CdTe and SrTiO3 sets that the abstract cites; part of them is kept back
here, so counts are smaller than the original's. Marvin et al. report {REFERENCE_ERRORS} errors in
{REFERENCE_WINDOWS} test windows of one binary model, with a random split.

Every figure is of a binary model (a class against all others) on windows that were neither
trained nor calibrated on, at probability 0.5. Cells give wrong answers / windows, the same per
{REFERENCE_WINDOWS} windows with its 95 % interval, and how many of the class's windows were found.
Runs with different seeds (of split, networks and order) are added up.

The interval is Wilson's for independent windows. They are not: crops of one defect overlap, and
windows are tested again in other runs, so the true intervals are wider."""
HOW = """\
A class whose patches all show one place cannot be tested honestly. It is trained on all of them,
and its honest cells count false alarms on other classes' windows alone.

The default recipe for patches (the patch itself, eight ways of laying it down, a common start of
all members) was chosen on windows set apart within the training side of random split 0. The test
windows of that split had no part in it; some of those of every other split did. That the networks
are given the maxima of their maps was decided on random splits with seeds 100 and 101, which share
windows with all of these; that few patches are passed over more often, on random split 1 of the
SrTiO3 set. Splits that leave no label of a class to learn from were not run.

To run what is missing and write this page: `python studies/results.py`; everything anew:
`python studies/results.py --again`. One run takes one to four minutes of one processor core."""


BEHIND = """\
On the seeds that both ran. In the CdTe set the reason is one fault: all SF2 patches show it within
105 px, and of 132 a split that shares no pixel leaves few to learn from, in the region split of
seed 0 ten, all from one spot. The networks rank the other end rightly, as the AUROC says, but give
it less than 0.5. Nor do they know it as anything else: of the 25 windows that the vacancies' model
judges wrongly there, 23 are of that fault."""


ELSEWHERE = """\
All Bulk patches of the CdTe set were cut from one image and all defects from another, so networks
may learn to tell the images apart. Asked about windows of the *other* image that hold no defect,
models that the default recipe made of the patches call this share of them Bulk (at probability
0.5), and so many of them by each defect's name. Where it is far from 1, the columns above say less
about crystals than they seem to. The bundled ensemble learns Bulk from both images;
[detection.md](detection.md) has its answers on places it did not see.
Measured by `python studies/bulk_elsewhere.py`."""


class Tally(NamedTuple):
    """Runs of one method on one kind of split, added up for one class."""

    errors: int
    windows: int
    found: int
    there: int
    seeds: tuple[str, ...]
    tested: bool

    def cell(self) -> str:
        """Return errors and what was found, or that only false alarms could be counted."""
        if self.windows == 0:
            return "-"
        found = f"found {self.found}/{self.there}" if self.tested else "one place"
        return f"{self.errors}/{self.windows} = {self._scaled()}; {found}"

    def short(self) -> str:
        """Return the errors per reference windows where the class could be tested."""
        return self._scaled() if self.tested and self.windows else "-"

    def _scaled(self) -> str:
        rate = wilson(self.errors, self.windows)
        shares = [share for share in (rate.value, rate.low, rate.high) if share is not None]
        per, low, high = (f"{REFERENCE_WINDOWS * share:.1f}" for share in shares)
        return f"{per} ({low} to {high})"


def page(runs: Sequence[Figures], elsewhere: Sequence[Figures] = ()) -> str:
    """Return the whole page in Markdown."""
    blocks = [INTRODUCTION]
    for data in dict.fromkeys(run["data"] for run in runs):
        mine = [run for run in runs if run["data"] == data]
        blocks += [f"## {data}", *_of_data(mine)]
    if elsewhere:
        blocks += ["## Bulk of another image", ELSEWHERE, table(_elsewhere(elsewhere))]
    return "\n\n".join([*blocks, "## How to read and repeat this", HOW, *_machine(runs)]) + "\n"


def _of_data(runs: Sequence[Figures]) -> Iterator[str]:
    main = [run for run in runs if run["method"] == MAIN]
    splits = [split for split in TITLES if any(run["split"] == split for run in runs)]
    yield f"### {METHODS[MAIN].capitalize()}, random and honest splits side by side"
    yield table(_side_by_side(main, splits))
    yield "Errors of every run, seeds in order:"
    yield table(_per_seed(main, splits))
    yield "\n".join(f"- {TITLES[split]}: {MEANING[split]}." for split in splits)
    for split in splits:
        yield f"### All methods, {TITLES[split]}: wrong per {REFERENCE_WINDOWS}"
        yield table(_methods(runs, split))
        if split != "random":
            yield "How well each ranks them, whatever its threshold (AUROC, mean of the runs):"
            yield table(_rankings(runs, split))
    behind = list(_behind(runs, [split for split in splits if split != "random"]))
    if len(behind) > 1:
        yield "### Where another method errs less, honest splits"
        yield BEHIND
        yield table(behind)
    if wrong := _often_wrong(main):
        yield "### Patches that the default recipe most often answered wrong, random splits"
        yield wrong


def _elsewhere(runs: Sequence[Figures]) -> Iterator[Sequence[str]]:
    names = list(runs[0]["claimed"])
    yield ("seed", "windows", *names)
    for run in runs:
        shares = (f"{run['claimed'][name] / run['windows']:.3f}" for name in names)
        yield (str(run["seed"]), str(run["windows"]), *shares)


def _side_by_side(runs: Sequence[Figures], splits: Sequence[str]) -> Iterator[Sequence[str]]:
    yield ("class", *(TITLES[split] for split in splits))
    for name in _classes(runs):
        yield (name, *(_tally(_on(runs, split), name).cell() for split in splits))


def _per_seed(runs: Sequence[Figures], splits: Sequence[str]) -> Iterator[Sequence[str]]:
    yield ("class", *(f"{TITLES[s]}, seeds {_seeds(_on(runs, s))}" for s in splits))
    for name in _classes(runs):
        yield (name, *(" ".join(_tally(_on(runs, split), name).seeds) for split in splits))
    minutes = [f"{_mean_seconds(_on(runs, split)):.0f} s" for split in splits]
    yield ("processor time per run", *minutes)


def _methods(runs: Sequence[Figures], split: str) -> Iterator[Sequence[str]]:
    names = _classes(runs)
    yield ("method", "seeds", *names)
    for method, mine in _by_method(runs, split).items():
        answered = ANSWERS_FOR.get(method, names)
        cells = [_tally(mine, name).short() if name in answered else "-" for name in names]
        yield (METHODS[method], _seeds(mine), *cells)


def _by_method(runs: Sequence[Figures], split: str) -> dict[str, list[Figures]]:
    here = _on(runs, split)
    sorted_runs = {method: [run for run in here if run["method"] == method] for method in METHODS}
    return {method: mine for method, mine in sorted_runs.items() if mine}


def _rankings(runs: Sequence[Figures], split: str) -> Iterator[Sequence[str]]:
    names = _classes(runs)
    yield ("method", *names)
    for method, mine in _by_method(runs, split).items():
        answered = ANSWERS_FOR.get(method, names)
        yield (
            METHODS[method],
            *(_ranked(mine, name) if name in answered else "-" for name in names),
        )


def _ranked(runs: Sequence[Figures], name: str) -> str:
    values = [run["classes"][name]["auroc"] for run in runs if name not in run["untestable"]]
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"


def _behind(runs: Sequence[Figures], splits: Sequence[str]) -> Iterator[Sequence[str]]:
    """Compare the default recipe with every other method on the seeds that both ran."""
    yield ("class", "split", "method", "its errors", "the default recipe's", "windows")
    for split in splits:
        methods = _by_method(runs, split)
        main = methods.pop(MAIN, [])
        for name in _classes(runs):
            for method, theirs in methods.items():
                if name not in ANSWERS_FOR.get(method, (name,)):
                    continue
                seeds = {run["seed"] for run in main} & {run["seed"] for run in theirs}
                ours, other = (
                    _tally([run for run in each if run["seed"] in seeds], name)
                    for each in (main, theirs)
                )
                if ours.tested and other.errors < ours.errors:
                    numbers = (str(other.errors), str(ours.errors), str(ours.windows))
                    yield (name, TITLES[split], METHODS[method], *numbers)


def _tally(runs: Sequence[Figures], name: str) -> Tally:
    counted = [run["classes"][name] for run in runs]
    errors = [each["fp"] + each["fn"] for each in counted]
    return Tally(
        errors=sum(errors),
        windows=sum(each["tn"] + each["fp"] + each["fn"] + each["tp"] for each in counted),
        found=sum(each["tp"] for each in counted),
        there=sum(each["tp"] + each["fn"] for each in counted),
        seeds=tuple(map(str, errors)),
        tested=any(name not in run["untestable"] for run in runs),
    )


def _often_wrong(runs: Sequence[Figures]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for run in _on(runs, "random"):
        counts.update((patch, name) for name, wrong in run["wrong"].items() for patch in wrong)
    rows = [(patch, name, str(times)) for (patch, name), times in counts.most_common(MOST_WRONG)]
    return table([("patch", "model", "runs"), *rows]) if rows else ""


def _machine(runs: Sequence[Figures]) -> Iterator[str]:
    versions = {f"{name} {number}" for run in runs for name, number in run["versions"].items()}
    labels = {f"{run['data']} `{run['label_set_sha256'][:16]}`" for run in runs}
    yield f"Versions: {', '.join(sorted(versions))}. Label sets: {', '.join(sorted(labels))}."


def _on(runs: Sequence[Figures], split: str) -> list[Figures]:
    return [run for run in runs if run["split"] == split]


def _classes(runs: Iterable[Figures]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run["classes"]))


def _seeds(runs: Sequence[Figures]) -> str:
    return " ".join(str(run["seed"]) for run in runs)


def _mean_seconds(runs: Sequence[Figures]) -> float:
    return sum(run["processor_seconds"] for run in runs) / max(len(runs), 1)
