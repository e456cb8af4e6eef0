"""``docs/results.md`` from the runs' figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.reporting.markdown import table
from napari_stem_defects.training.metrics import (
    REFERENCE_ERRORS,
    REFERENCE_WINDOWS,
    wilson_interval,
)
from napari_stem_defects.training.splits import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Figures = dict[str, Any]

MAIN = "suited"
METHODS = {
    "suited": "networks, default recipe for patches",
    "suited-shown": "the same, without patches whose defect lies outside",
    "abstract": "networks, the abstract's recipe",
    "suited-fft": "networks, default recipe on the FFT",
    "suited-fft+real": "networks, default recipe on FFT and patch",
    "logistic-fft": "logistic regression on the FFT",
    "kernel-rings": "RBF support vector machine on rings and sectors",
    "anomaly-bulk": "distance from Bulk's components (only Bulk or not)",
    "atomai": "AtomAI's classifier",
}
# The classes of a method that does not have all of them.
CLASSES_OF = {"anomaly-bulk": ("Bulk",)}
TITLES = {"random": "random", "site": "held-out defects", "region": "held-out regions"}
MOST_WRONG = 12
INTRODUCTION = f"""\
# Results on the public patches

Written by `python studies/results.py` from the files in `studies/runs`, one per run; do not edit.
The patches are the public CdTe and SrTiO3 sets that the abstract cites. Part of them is kept back
here, so the counts are smaller than in the original. Marvin et al. report {REFERENCE_ERRORS} errors
in {REFERENCE_WINDOWS} test windows of one binary model, with a random split.

Every figure belongs to a binary model (one class against all others) and to windows that were used
for neither training nor calibration, at probability 0.5. Cells give errors / windows, the same per
{REFERENCE_WINDOWS} windows with its 95 % interval, and how many windows of the class were found.
Runs with different seeds (of split, networks and order) are pooled.

The interval is Wilson's for independent windows. The windows are not independent: crops of one
defect overlap, and windows are tested again in other runs, so the true intervals are wider."""
HOW = """\
A class whose patches all show one place cannot be tested on a grouped split. It is trained on all
of them, and its cells in the grouped columns count only false positives on windows of other
classes.

The default recipe for patches (the patch itself in eight orientations, shared pretraining of all
members) was chosen on windows set apart within the training side of random split 0. The test
windows of that split had no part in the choice; some of those of every other split had. Global max
pooling was chosen on random splits 100 and 101, which share windows with all splits reported here.
More epochs for small patch sets were chosen on random splits 5 to 7 and grouped splits 3 and 4 of
the SrTiO3 set. Splits that leave no label of a class to learn from were not run.

To run what is missing and write this page: `python studies/results.py`; to run everything again:
`python studies/results.py --again`. One run takes one to four minutes on one processor core."""


BEHIND = """\
For seeds that both methods ran. In the CdTe set the reason is one fault: all SF2 patches show it
within 105 px, and a split that shares no pixel leaves few of the 132 for training, ten in the
region split of seed 0, all from one spot. The networks rank windows of the other end correctly, as
the AUROC shows, but give them less than 0.5. Nor do they recognise it as anything else: of the 23
windows that the vacancy model gets wrong there, 20 belong to that fault."""


ELSEWHERE = """\
All Bulk patches of the CdTe set were cut from one image and all defects from another, so networks
may learn to distinguish the images. On windows of the *other* image that hold no defect, models
trained on the patches with the default recipe give this share of Bulk (at probability 0.5), and
these shares of each defect. Where the share of Bulk is far from 1, the columns above depend on the
images more than on the crystal. The pretrained ensemble learns Bulk from both images;
[detection.md](detection.md) gives its results on places it was not trained on.
Measured by `python studies/bulk_elsewhere.py`."""


OUTSIDE = """\
The point defects were edited into micrographs at known places, and the patches are crops of these
images. In some patches the centre of the defect lies outside: they show perfect crystal, or the
flank of a column, under the name of a defect, while Bulk patches with the same columns are called
Bulk. No method can distinguish them by what they show, and networks that learn from them find
defects in perfect crystal. Located by `python studies/patch_places.py`; the errors are those of the
default recipe in random splits, all classes together, with all patches and without these."""


class Tally(NamedTuple):
    """Runs of one method on one kind of split, pooled for one class."""

    errors: int
    windows: int
    found: int
    there: int
    seeds: tuple[str, ...]
    tested: bool

    def cell(self) -> str:
        """Return errors and windows found, or that only false positives could be counted."""
        if self.windows == 0:
            return "-"
        found = f"found {self.found}/{self.there}" if self.tested else "one place"
        return f"{self.errors}/{self.windows} = {self._scaled()}; {found}"

    def short(self) -> str:
        """Return the errors per reference windows where the class could be tested."""
        return self._scaled() if self.tested and self.windows else "-"

    def _scaled(self) -> str:
        rate = wilson_interval(self.errors, self.windows)
        shares = [share for share in (rate.value, rate.low, rate.high) if share is not None]
        per, low, high = (f"{REFERENCE_WINDOWS * share:.1f}" for share in shares)
        return f"{per} ({low} to {high})"


def page(
    runs: Sequence[Figures], elsewhere: Sequence[Figures] = (), places: Figures | None = None
) -> str:
    """Return the whole page in Markdown."""
    blocks = [INTRODUCTION]
    for data in dict.fromkeys(run["data"] for run in runs):
        mine = [run for run in runs if run["data"] == data]
        blocks += [f"## {data}", *_of_data(mine)]
    if places:
        blocks += ["## Patches that do not show their defect", OUTSIDE, table(_outside(places))]
        blocks += [table(_errors_outside(runs, places))]
    if elsewhere:
        blocks += ["## Bulk of another image", ELSEWHERE, table(_elsewhere(elsewhere))]
    return "\n\n".join([*blocks, "## How to read and repeat this", HOW, *_machine(runs)]) + "\n"


def _of_data(runs: Sequence[Figures]) -> Iterator[str]:
    main = [run for run in runs if run["method"] == MAIN]
    splits = [split for split in TITLES if any(run["split"] == split for run in runs)]
    yield f"### {METHODS[MAIN].capitalize()}, random and grouped splits side by side"
    yield table(_side_by_side(main, splits))
    yield "Errors of every run, seeds in order:"
    yield table(_per_seed(main, splits))
    yield "\n".join(f"- {TITLES[split]}: {MEANING[split]}." for split in splits)
    for split in splits:
        yield f"### All methods, {TITLES[split]}: wrong per {REFERENCE_WINDOWS}"
        yield table(_methods(runs, split))
        if split != "random":
            yield "AUROC, independent of the threshold, mean of the runs:"
            yield table(_rankings(runs, split))
    behind = list(_behind(runs, [split for split in splits if split != "random"]))
    if len(behind) > 1:
        yield "### Where another method makes fewer errors, grouped splits"
        yield BEHIND
        yield table(behind)
    if wrong := _often_wrong(main):
        yield "### Patches that the default recipe most often covered wrong, random splits"
        yield wrong


def _outside(places: Figures) -> Iterator[Sequence[str]]:
    yield ("set", "class", "patches", "centre outside", "furthest outside, px")
    for data, classes in places.items():
        for name, figures in classes.items():
            depths = figures["outside"].values()
            furthest = f"{-min(depths):.1f}" if depths else "-"
            yield (data, name, str(figures["patches"]), str(len(depths)), furthest)


def _errors_outside(runs: Sequence[Figures], places: Figures) -> Iterator[Sequence[str]]:
    """Count the errors in random splits on patches whose defect lies outside, and on the others."""
    yield ("set", "errors of all runs", "on patches with the centre outside", "on all others")
    for data, classes in places.items():
        missing = {patch for figures in classes.values() for patch in figures["outside"]}
        mine = [run for run in _on(runs, "random") if run["data"] == data and run["method"] == MAIN]
        wrong = [patch for run in mine for names in run["wrong"].values() for patch in names]
        outside = sum(patch in missing for patch in wrong)
        if mine:
            yield (data, str(len(wrong)), str(outside), str(len(wrong) - outside))


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
        covered = CLASSES_OF.get(method, names)
        cells = [_tally(mine, name).short() if name in covered else "-" for name in names]
        yield (METHODS[method], _seeds(mine), *cells)


def _by_method(runs: Sequence[Figures], split: str) -> dict[str, list[Figures]]:
    here = _on(runs, split)
    sorted_runs = {method: [run for run in here if run["method"] == method] for method in METHODS}
    return {method: mine for method, mine in sorted_runs.items() if mine}


def _rankings(runs: Sequence[Figures], split: str) -> Iterator[Sequence[str]]:
    names = _classes(runs)
    yield ("method", *names)
    for method, mine in _by_method(runs, split).items():
        covered = CLASSES_OF.get(method, names)
        yield (
            METHODS[method],
            *(_ranked(mine, name) if name in covered else "-" for name in names),
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
                if name not in CLASSES_OF.get(method, (name,)):
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
    epochs = {
        (run["data"], run["split"], run["protocol"]["common_epochs"])
        for run in runs
        if run["method"] == MAIN
    }
    listed = ", ".join(f"{data} {TITLES[split]} {count}" for data, split, count in sorted(epochs))
    yield f"Epochs of pretraining of the default recipe in these runs: {listed}."


def _on(runs: Sequence[Figures], split: str) -> list[Figures]:
    return [run for run in runs if run["split"] == split]


def _classes(runs: Iterable[Figures]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run["classes"]))


def _seeds(runs: Sequence[Figures]) -> str:
    return " ".join(str(run["seed"]) for run in runs)


def _mean_seconds(runs: Sequence[Figures]) -> float:
    return sum(run["processor_seconds"] for run in runs) / max(len(runs), 1)
