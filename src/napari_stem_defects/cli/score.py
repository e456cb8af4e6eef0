"""Score predictions of any program against ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.cli.terminal import long_work, print_error, print_result

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the manifest, the predictions and the file of the figures."""
    parser.add_argument(
        "manifest", type=Path, metavar="MANIFEST", help="JSON list of images and ground truth"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="DIR|CSV",
        help="table image,class,y_px,x_px[,score], folder of results, or of masks IMAGE/CLASS.tif"
        " or .png (default: this program searches the images)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="file for all figures")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the listed files (default: manifest's)"
    )
    parser.add_argument(
        "--model",
        default=AUTO_MODEL,
        metavar="NAME|FILE|auto",
        help="model that searches the images where no predictions are given",
    )


def run(options: argparse.Namespace) -> int:
    """Print the scores; return 2 if a file was missing or altered."""
    from napari_stem_defects.api.score import score

    with long_work():
        scores = score(
            options.manifest,
            options.predictions,
            options.out,
            data=options.data,
            model=options.model,
        )
    for fault in scores.faults:
        print_error(fault)
    for line in lines_of(scores.figures):
        print_result(line)
    if options.out is not None:
        print_result(f"all figures -> {options.out.resolve()}")
    return 2 if scores.faults else 0


def lines_of(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures of all images together as lines of text."""
    whole = figures["all"]
    yield f"{figures['manifest']}: {whole['images']} of {figures['images_listed']} images scored"
    for name, each in whole["points"].items():
        counts = f"{each['hits']} hits, {each['false']} false, {each['missed']} missed"
        shares = ", ".join(_share(key, each[key]) for key in ("precision", "recall", "f1"))
        yield f"  {name}: {shares}; {counts}"
    for name, each in whole["masks"].items():
        found, false = (_percent(each[key]) for key in ("found", "false_area"))
        yield f"  {name}: {found} found, false area {false} of the image"
    names = whole["names"]
    if names["paired"]:
        yield f"  {_share('right names', names)}; {names['right']} of {names['paired']}"
    if whole["unknown"]["auroc"] is not None:
        yield f"  AUROC of unknown {whole['unknown']['auroc']:.3f}"
    if whole["foreign"]["images"]:
        yield f"  {_foreign(whole['foreign'])}"
    if whole["not_scored"]:
        yield f"  not scored, as there are no masks: {', '.join(whole['not_scored'])}"


def _foreign(named: Mapping[str, Any]) -> str:
    images = f"{named['images']} image{'s' * (named['images'] != 1)}"
    area = named["named_area"]
    shown = "(no masks)" if area is None else f"and {_percent(area)} of the area"
    return f"material not known in {images}: {named['named_points']} points {shown} wrongly named"


def _share(key: str, stated: Mapping[str, float | None]) -> str:
    title = {"f1": "F1"}.get(key, key)
    if stated["value"] is None:
        return f"{title} not defined"
    return f"{title} {stated['value']:.3f} ({stated['low']:.3f} to {stated['high']:.3f})"


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.2f} %"
