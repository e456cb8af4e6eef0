"""Run what is missing of the study on the public patches, and write ``docs/results.md``.

    python studies/results.py [--data FOLDER] [--only PATTERN] [--again] [--quick]

Every run leaves one file in ``studies/runs``, so that an interrupted study goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import json
import os
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from page import page
from patch_places import PLACES
from patches import NETWORKS, SHOWN, Run, measured
from peers import PEERS

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.labels.load_dataset import read_training_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.training.splits import SplitKind

ROOT = Path(__file__).resolve().parents[1]
DATA_SETS = ("CdTe", "STO")
SPLITS: tuple[SplitKind, ...] = ("random", "site", "region")
# Random splits are the abstract's own, so more of them are drawn.
MAIN_SEEDS: dict[SplitKind, int] = {"random": 5, "site": 3, "region": 3}
OTHER_SEEDS: dict[SplitKind, int] = {"random": 3, "site": 3, "region": 3}
PEER_SEEDS: dict[SplitKind, int] = dict.fromkeys(SPLITS, 1)
QUICK_EPOCHS = 1


def plan(*, quick: bool) -> Iterator[Run]:
    """Yield every run of the study; ``quick`` takes one seed and leaves two methods out."""
    methods = ["suited", "abstract", "logistic-fft"]
    if not quick:
        methods += ["suited-fft", "suited-fft+real", "kernel-rings", "anomaly-bulk", *PEERS]
    for data in DATA_SETS:
        for method in methods:
            for split in SPLITS:
                seeds = _seeds_of(method)[split]
                for seed in range(1 if quick else seeds):
                    yield Run(data, method, split, seed)
    if not quick:
        yield from (Run("STO", SHOWN, "random", seed) for seed in range(MAIN_SEEDS["random"]))


def _seeds_of(method: str) -> dict[SplitKind, int]:
    if method in PEERS:
        return PEER_SEEDS
    return MAIN_SEEDS if method in ("suited", "abstract") else OTHER_SEEDS


def main() -> None:
    """Run, and write the page from all runs there are."""
    options = _options()
    wanted = [run for run in plan(quick=options.quick) if fnmatch(run.name, options.only)]
    sets: dict[str, Any] = {}
    for run in wanted:
        file, folder = options.runs / run.name, options.data / "patches" / f"DataSet_{run.data}"
        if not folder.is_dir() or (file.exists() and not options.again):
            continue
        if run.data not in sets:
            sets[run.data] = read_training_data([folder])
        short = QUICK_EPOCHS if options.quick and run.method in NETWORKS else None
        try:
            found = measured(run, sets[run.data], short)
        except LabelError as error:  # a split may leave nothing to learn a class from
            print(run.name, "cannot be run:", error, flush=True)
            continue
        except ModuleNotFoundError as error:  # a peer is no dependency of ours
            print(run.name, f"cannot be run: install {error.name}, see studies/peers.py")
            continue
        write_bytes(file, json.dumps(found, indent=1, allow_nan=False).encode())
        print(run.name, f"{found['processor_seconds']} s", flush=True)
    files = (options.runs / run.name for run in plan(quick=options.quick))
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    bulk = options.runs / "bulk_elsewhere.json"
    elsewhere = json.loads(bulk.read_text(encoding="utf-8")) if bulk.exists() else []
    located = options.runs / PLACES.name
    places = json.loads(located.read_text(encoding="utf-8")) if located.exists() else {}
    write_bytes(options.page, page(runs, elsewhere, places).encode())
    print(options.page)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--runs", type=Path, default=ROOT / "studies" / "runs")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="runs like CdTe.suited.*")
    parser.add_argument("--again", action="store_true", help="also what was run before")
    parser.add_argument("--quick", action="store_true", help="one seed, an epoch, three methods")
    return parser.parse_args()


if __name__ == "__main__":
    main()
