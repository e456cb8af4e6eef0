"""Score predictions of any program against ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.cli.options import file_or_folder, numbers
from napari_stem_defects.cli.terminal import long_work, print_error, print_result
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the manifest, the predictions and the file of the figures."""
    parser.add_argument(
        "manifest",
        type=file_or_folder,
        metavar="MANIFEST",
        help="JSON list of images and ground truth",
    )
    parser.add_argument(
        "--predictions",
        type=file_or_folder,
        metavar="DIR|CSV",
        help="table image,class,y_px,x_px[,score], folder of results, or of masks IMAGE/CLASS.tif"
        " or .png (default: this program searches the images)",
    )
    parser.add_argument(
        "--out", type=file_or_folder, metavar="FILE.json", help="file for all figures"
    )
    parser.add_argument(
        "--data",
        type=file_or_folder,
        metavar="DIR",
        help="folder of the listed files (default: manifest's)",
    )
    parser.add_argument(
        "--model",
        default=AUTO_MODEL,
        metavar="NAME|FILE|auto",
        help="model that searches the images where no predictions are given",
    )
    parser.add_argument(
        "--clicks",
        type=numbers,
        metavar="K,K",
        help="score what is found after K clicks on known defects of each class in one image",
    )
    parser.add_argument(
        "--recipe",
        choices=("quick", "few"),
        help="how this program learns from the clicks (default: quick)",
    )
    parser.add_argument(
        "--write-clicks",
        type=file_or_folder,
        metavar="FILE.csv",
        help="write these clicks for another program, and search nothing",
    )


def run(options: argparse.Namespace) -> int:
    """Print the scores; return 2 if a file was missing or altered."""
    _refuse_without_effect(options)
    if options.write_clicks is not None:
        return _write_clicks(options)
    if options.clicks is not None:
        return _score_clicks(options)
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


def _refuse_without_effect(options: argparse.Namespace) -> None:
    """Refuse options that would silently do nothing."""
    if options.clicks is None:
        if options.write_clicks is not None:
            raise InputError(
                "--write-clicks: how many clicks is not given; add --clicks, such as 1,3,7"
            )
        if options.recipe is not None:
            raise InputError("--recipe: only clicks are learned from; add --clicks, such as 1,3,7")
        return
    if options.model != AUTO_MODEL:
        raise InputError("--model: what searches is learned from the clicks; leave out --model")
    if options.predictions is not None and options.recipe is not None:
        raise InputError("--recipe: the predictions are given; leave out one of both")
    if options.write_clicks is not None:
        for name in ("predictions", "out", "recipe"):
            if getattr(options, name) is not None:
                raise InputError(f"--{name}: only clicks are written; leave out one of both")


def _write_clicks(options: argparse.Namespace) -> int:
    from napari_stem_defects.api.score_clicks import write_clicks

    faults = write_clicks(options.manifest, options.clicks, options.write_clicks, data=options.data)
    for fault in faults:
        print_error(fault)
    print_result(f"clicks -> {options.write_clicks.resolve()}")
    return 2 if faults else 0


def _score_clicks(options: argparse.Namespace) -> int:
    from napari_stem_defects.api.score_clicks import score_clicks

    with long_work() as bar:
        scores = score_clicks(
            options.manifest,
            options.clicks,
            options.predictions,
            options.out,
            data=options.data,
            recipe=options.recipe or "quick",
            report=bar,
        )
    for fault in scores.faults:
        print_error(fault)
    for line in click_lines(scores.figures):
        print_result(line)
    if options.out is not None:
        print_result(f"all figures -> {options.out.resolve()}")
    return 2 if scores.faults else 0


def click_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield F1 by the number of clicks as lines of text."""
    yield f"{figures['manifest']}: F1 by number of clicks, {figures['predictions']}"
    titles = {"same_image": "rest of the clicked image", "other_group": "image of another group"}
    for place, title in titles.items():
        curve = figures["curves"][place]
        for name in sorted({name for each in curve.values() for name in each["points"]}):
            yield f"  {name}, {title}:"
            for count, each in curve.items():
                if name in each["points"]:
                    point = each["points"][name]
                    clicks = f"{count} click{'s' * (count != '1')}"
                    yield f"    {clicks}: {_share('f1', point['f1'])}; {_counts(point)}"
    for reason, count in figures["refused"].items():
        yield f"  nothing was learned in {count} of {figures['draws']} draws: {reason}"


def _counts(point: Mapping[str, Any]) -> str:
    return f"{point['hits']} hits, {point['false']} false, {point['missed']} missed"


def lines_of(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures of all images together as lines of text."""
    whole = figures["all"]
    yield f"{figures['manifest']}: {whole['images']} of {figures['images_listed']} images scored"
    for name, each in whole["points"].items():
        counts = _counts(each)
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
    named = sum(each["hits"] + each["false"] for each in whole["points"].values())
    if (others := figures["names_not_listed"]) and whole["points"] and not named:
        found = ", ".join(f"{count} {name}" for name, count in others.items())
        yield f"  no prediction has the name of a listed class (see also_named), but {found}"
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
