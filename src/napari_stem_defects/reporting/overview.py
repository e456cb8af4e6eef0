"""``overview.png``: the detected defects on one page.

A title, the frame (of a stack up to twelve frames) with its defects, and a legend with counts,
lengths and areas.

Drawn with Pillow: a page with a frame of 768 x 768 px takes 0.1 s. matplotlib took 0.4 to 0.6 s
for a rough form of it, which had neither halos and hatching nor labels kept apart.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.lengths import format_density, format_found
from napari_stem_defects.detection.model_choice import NOT_RECOGNISED
from napari_stem_defects.reporting.fonts import drawable, pillow_font, text_width
from napari_stem_defects.reporting.geometry_statements import geometry_statements
from napari_stem_defects.reporting.overview_canvas import fit_frame
from napari_stem_defects.reporting.overview_panel import draw_panel, draw_swatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.result_totals import ClassTotal, ResultTotals
    from napari_stem_defects.postprocessing.results import Detection, Region

_MARGIN, _GAP, _TILE_GAP = 40, 36, 14
_BESIDE = (1054, 1300)
_ABOVE = (1520, 1100)
_LEAST_PANEL = (260, 200)
# Low tiles have room for the scale bar, beside the frame rather than on it.
_LEAST_TILE = 140
_LEAST_PAGE = 1000
_PAGE_SCALE = 0.6
_ENTRY_WIDTH = 430
_SWATCH = (52, 36)
_INDENT = _SWATCH[0] + 16
_TITLE_PX, _TEXT_PX, _SMALL_PX = 36, 25, 22
_INK, _GREY = "#1a1a1a", "#5f5f5f"
# Frames wider than this go above their legend, others beside it.
_WIDE = 1.7
_NO_DEFECTS = "no defects found"
_MOST_WARNINGS = 2
_SOURCES = {
    "file": "from the file",
    "user": "as given",
    "lattice": "if the crystal is the model's",
    "simulation": "simulated",
}


class _Entry(NamedTuple):
    """A heading and lines of the legend; without a class it has no swatch."""

    shown: DefectClass | None
    heading: str
    lines: tuple[str, ...]


def draw_overview(
    micrograph: Micrograph, detections: Sequence[Detection], result_totals: ResultTotals, model: str
) -> Image.Image:
    """Draw the page.

    Parameters
    ----------
    micrograph : Micrograph
        The image in which defects were detected.
    detections : sequence of Detection
        The frames to draw, at most twelve; see `shown_frames`.
    result_totals : ResultTotals
    model : str
        The model's name.

    Returns
    -------
    PIL.Image.Image
        RGB, about 1600 px wide.
    """
    return _compose(micrograph, detections, result_totals, model, micrograph.name, 1.0)


def draw_frame_page(
    micrograph: Micrograph, detection: Detection, result_totals: ResultTotals, model: str
) -> Image.Image:
    """Draw the page of one frame of a stack, smaller than an overview and as much quicker.

    Parameters
    ----------
    micrograph : Micrograph
        The stack.
    detection : Detection
        The frame.
    result_totals : ResultTotals
        Totals of this frame.
    model : str
        The model's name.

    Returns
    -------
    PIL.Image.Image
        RGB, about 1200 px wide.
    """
    title = f"{micrograph.name}, frame {detection.frame}"
    return _compose(micrograph, [detection], result_totals, model, title, _PAGE_SCALE)


def _compose(
    micrograph: Micrograph,
    detections: Sequence[Detection],
    result_totals: ResultTotals,
    model: str,
    title: str,
    scale: float,
) -> Image.Image:
    """Draw title, facts, frames and legend; ``scale`` is that of the frames."""
    height, width = micrograph.frame_shape
    above = width > _WIDE * height and len(detections) == 1
    across, down = _ABOVE if above else _BESIDE
    picture = _picture(micrograph, detections, (round(across * scale), round(down * scale)))
    entries = [_draw_entry(entry) for entry in _all_entries(detections, result_totals)]
    room = max(1, (picture.width + _GAP) // (_ENTRY_WIDTH + _GAP))
    legend = _columns(entries, room if above else 1)
    right, below = (0, picture.height + _GAP) if above else (picture.width + _GAP, 0)
    body = Image.new(
        "RGB",
        (max(picture.width, right + legend.width), max(picture.height, below + legend.height)),
        "white",
    )
    body.paste(picture, (0, 0))
    body.paste(legend, (right, below))
    return _page(body, title, _facts(micrograph, detections[0], result_totals, model))


def _picture(
    micrograph: Micrograph, detections: Sequence[Detection], most: tuple[int, int]
) -> Image.Image:
    """Draw one frame in full, several as tiles with captions."""
    shape = micrograph.frame_shape
    if len(detections) == 1:
        (only,) = detections
        pixels = micrograph.frame(only.frame).pixels
        return draw_panel(
            pixels, only, fit_frame(shape, most, _LEAST_PANEL), show_names=True, show_scale_bar=True
        )
    across = math.ceil(math.sqrt(len(detections)))
    tile = (most[0] + _TILE_GAP) // across - _TILE_GAP
    tiles = []
    for number, detection in enumerate(detections):
        pixels = micrograph.frame(detection.frame).pixels
        layout = fit_frame(shape, (tile, tile), (tile, min(tile, _LEAST_TILE)))
        panel = draw_panel(pixels, detection, layout, show_names=False, show_scale_bar=number == 0)
        caption = f"frame {detection.frame}: {_count(detection)}"
        tiles.append(_captioned(panel, caption, _density(detection)))
    return _grid(tiles, across)


def _count(detection: Detection) -> str:
    found = len(detection.regions)
    if not found and str(detection.parameters.get("recognition")).startswith(NOT_RECOGNISED):
        return NOT_RECOGNISED
    return "no defects" if not found else f"{found} defect{'s' if found > 1 else ''}"


def _density(detection: Detection) -> str | None:
    """Return the density of all points, "" if there are none; None if it is not known."""
    area = detection.searched_nm2
    found = sum(region.kind == "point" for region in detection.regions)
    return None if area is None else format_density(found, area) if found else ""


def _captioned(panel: Image.Image, caption: str, below: str | None) -> Image.Image:
    rows = [(caption, _INK)] if below is None else [(caption, _INK), (below, _GREY)]
    top = len(rows) * (_SMALL_PX + 5) + 5
    tile = Image.new("RGB", (panel.width, panel.height + top), "white")
    for number, (text, colour) in enumerate(rows):
        _write(tile, (0, number * (_SMALL_PX + 5)), text, _SMALL_PX, colour)
    tile.paste(panel, (0, top))
    return tile


def _grid(tiles: Sequence[Image.Image], across: int) -> Image.Image:
    width, height = tiles[0].width + _TILE_GAP, tiles[0].height + _TILE_GAP
    down = math.ceil(len(tiles) / across)
    sheet = Image.new("RGB", (across * width - _TILE_GAP, down * height - _TILE_GAP), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % across * width, number // across * height))
    return sheet


def _all_entries(detections: Sequence[Detection], result_totals: ResultTotals) -> list[_Entry]:
    """Return the legend, preceded by why a model does not recognise the image or may not fit it."""
    entries = _entries(result_totals, detections[0].class_table)
    regions = [region for detection in detections for region in detection.regions]
    entries = [_with_geometry(entry, regions) for entry in entries]
    parameters = [detection.parameters for detection in detections]
    reasons = [str(each["recognition"]) for each in parameters if each.get("recognition")]
    warnings = [str(text) for each in parameters for text in each.get("warnings", ())]
    if len(reasons) == len(detections):  # otherwise a tile states it of its frame
        known = [each for each in reasons if not each.startswith(NOT_RECOGNISED)]
        heading, _, reason = (known or reasons)[0].partition(": ")
        if heading == NOT_RECOGNISED:
            entries = [entry for entry in entries if entry.heading != _NO_DEFECTS]
        entries.insert(0, _Entry(None, heading, _wrapped(reason)))
    stated = [
        _Entry(None, "warning", _wrapped(text.removeprefix("warning: ")))
        for text in list(dict.fromkeys(warnings))[:_MOST_WARNINGS]
    ]
    return [*stated, *entries]


def _with_geometry(entry: _Entry, regions: Sequence[Region]) -> _Entry:
    """Add what the crystal on both sides of the lines of a class shows."""
    if entry.shown is None:
        return entry
    texts = geometry_statements(regions, entry.shown.name)
    lines = [line for text in texts for line in _wrapped(text, _INDENT)]
    return entry._replace(lines=(*entry.lines, *lines))


def _entries(result_totals: ResultTotals, classes: Mapping[str, DefectClass]) -> list[_Entry]:
    """Return the legend: classes found, classes not found, the unknown area."""
    found = {name: total for name, total in result_totals.totals.items() if total.count}
    missing = [classes[name].title for name in result_totals.totals if name not in found]
    entries = [
        _Entry(
            classes[name],
            classes[name].title,
            _measures(classes[name], total, result_totals),
        )
        for name, total in found.items()
    ]
    if not found:
        entries.append(_Entry(None, _NO_DEFECTS, _wrapped(f"looked for: {', '.join(missing)}")))
    if result_totals.fractions[UNKNOWN] > 0:
        share = f"{_percent(result_totals.fractions[UNKNOWN])} of the area,"
        entries.append(_Entry(classes[UNKNOWN], "unknown", (share, "not assigned to any class")))
    notes = []
    if found and missing:
        notes.append(f"not found: {', '.join(missing)}")
    if result_totals.valid_fraction < 1:
        share = _percent(1 - result_totals.valid_fraction)
        notes.append(f"no result for {share} of the windows: blank or invalid")
    if result_totals.frames > 1:
        notes.append(f"sums over {result_totals.frames} frames")
    elif any(total.count > 1 for total in found.values()):
        notes.append("numbers as in regions.csv")
    return [*entries, *(_Entry(None, "", _wrapped(note)) for note in notes)]


def _measures(
    entry: DefectClass, total: ClassTotal, result_totals: ResultTotals
) -> tuple[str, ...]:
    area = result_totals.searched_nm2
    name = f"{entry.name}: " if entry.own_title else ""  # else the heading is the name
    counted = f"{name}{format_found(total.count, '', entry.kind, area, total.length_nm)}"
    if entry.kind not in ("line", "area"):
        return _wrapped(counted, _INDENT)
    share = f"{_percent(result_totals.fractions[entry.name])} of the area"
    if total.length_nm is None or total.area_nm2 is None:
        return (counted, share)
    if entry.kind == "area":
        return (*_wrapped(counted, _INDENT), f"{_figure(total.area_nm2)} nm², {share}")
    in_all = " in all" if total.count > 1 else ""
    length = f"{counted}, {_figure(total.length_nm)} nm long{in_all}"
    return (*_wrapped(length, _INDENT), f"{_figure(total.area_nm2)} nm², {share}")


def _figure(value: float) -> str:
    """Write a measure with three digits, or all of a larger one's integer part."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _facts(
    micrograph: Micrograph, first: Detection, result_totals: ResultTotals, model: str
) -> str:
    height, width = micrograph.frame_shape
    facts = [f"model {model}", f"{width} x {height} px"]
    if micrograph.is_stack:
        facts.append(f"{micrograph.frame_count} frames")
    size = first.pixel_size_nm
    if size is None:
        return "   ·   ".join([*facts, "no pixel size known"])
    origin = result_totals.pixel_size_source or micrograph.pixel_size_source
    facts.append(f"{_figure(width * size)} x {_figure(height * size)} nm")
    facts.append(f"{size:.4g} nm per px{', ' + _SOURCES[origin] if origin in _SOURCES else ''}")
    return "   ·   ".join(facts)


def _page(body: Image.Image, title: str, facts: str) -> Image.Image:
    top = _MARGIN + _TITLE_PX + _SMALL_PX + 44
    width = max(_LEAST_PAGE, body.width + 2 * _MARGIN)
    page = Image.new("RGB", (width, top + body.height + _MARGIN), "white")
    room = width - 2 * _MARGIN
    _write(page, (_MARGIN, _MARGIN), _shortened(drawable(title), _TITLE_PX, room), _TITLE_PX, _INK)
    facts_top = _MARGIN + _TITLE_PX + 16
    _write(
        page, (_MARGIN, facts_top), _shortened(drawable(facts), _SMALL_PX, room), _SMALL_PX, _GREY
    )
    page.paste(body, (_MARGIN, top))
    return page


def _draw_entry(entry: _Entry) -> Image.Image:
    left, top = (0 if entry.shown is None else _INDENT), 3
    room = _ENTRY_WIDTH - left
    headings = _wrapped(entry.heading, left, _TEXT_PX) if entry.heading else ()
    rows = [(line, _TEXT_PX, _INK) for line in headings]
    rows += [(line, _SMALL_PX, _GREY) for line in entry.lines]
    height = sum(size + 10 for _, size, _ in rows) + 18
    picture = Image.new("RGB", (_ENTRY_WIDTH, height), "white")
    if entry.shown is not None:
        picture.paste(draw_swatch(entry.shown, _SWATCH), (0, 0))
    for text, size, colour in rows:
        _write(picture, (left, top), _shortened(drawable(text), size, room), size, colour)
        top += size + 10
    return picture


def _columns(entries: Sequence[Image.Image], count: int) -> Image.Image:
    """Arrange the legend in columns, read downwards."""
    tall = math.ceil(len(entries) / count)
    columns = [entries[start : start + tall] for start in range(0, len(entries), tall)]
    width = len(columns) * (_ENTRY_WIDTH + _GAP) - _GAP
    height = max(sum(entry.height for entry in column) for column in columns)
    legend = Image.new("RGB", (width, height), "white")
    for number, column in enumerate(columns):
        top = 0
        for entry in column:
            legend.paste(entry, (number * (_ENTRY_WIDTH + _GAP), top))
            top += entry.height
    return legend


def _write(
    picture: Image.Image, corner: tuple[float, float], text: str, size: int, colour: str
) -> None:
    """Write a line, its upper left corner at ``corner``."""
    baseline = corner[0], corner[1] + 0.8 * size
    ImageDraw.Draw(picture).text(baseline, text, fill=colour, font=pillow_font(size), anchor="ls")


def _shortened(text: str, size: int, room: float) -> str:
    """Cut the middle out of a text that is too long."""
    whole = text
    while text and text_width(text, size) > room:
        keep = (len(text) - 2) // 2
        text = f"{whole[:keep]}…{whole[-keep:]}" if keep > 0 else ""
    return text


def _wrapped(text: str, indent: int = 0, size: int = _SMALL_PX) -> tuple[str, ...]:
    lines = [""]
    # A quantity stays with its unit, "per" with what follows.
    for word in re.split(r"\s+(?!nm|px|%)(?<!per )", text.strip()):
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= _ENTRY_WIDTH - indent:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)
