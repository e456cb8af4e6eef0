"""A micrograph in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.reporting.contrast import to_grey8
from napari_stem_defects.reporting.notebook.html_card import card, enlarged, step_of
from napari_stem_defects.reporting.notebook.image_axes import axes_or_new, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_stem_defects.base.micrograph import Micrograph

_MOST_PICTURES = 3


def html(micrograph: Micrograph) -> str:
    """Return the card: pictures of the first frames, sizes, file and notes."""
    step = step_of(micrograph.frame_shape)
    shown = range(min(micrograph.frame_count, _MOST_PICTURES))
    pictures = [
        enlarged(to_grey8(micrograph.frame(index).pixels[::step, ::step])) for index in shown
    ]
    size = micrograph.pixel_size_nm
    source = f"{size:.4g} nm per px ({micrograph.pixel_size_source})" if size else "not known"
    file = "" if micrograph.path is None else str(micrograph.path)
    rows: list[tuple[str, Any]] = [
        ("frames", micrograph.frame_count),
        ("frame", list_in_both_units(micrograph.frame_shape[::-1], size)),
        ("pixel size", source),
        ("intensities", _range(micrograph)),
    ]
    if micrograph.invalid is not None:
        rows.append(("invalid pixels", int(np.count_nonzero(micrograph.invalid))))
    if file:
        rows.append(("file", file))
    return card(micrograph.name, micrograph.notes, pictures, ("micrograph", ""), rows)


def _range(micrograph: Micrograph) -> str:
    first = micrograph.frame(0).pixels
    where = " in the first frame" if micrograph.frame_count > 1 else ""
    return f"{float(first.min()):.4g} to {float(first.max()):.4g}{where}" if first.size else ""


def table(micrograph: Micrograph) -> Any:
    """Return the table: the statistics of each frame."""
    pandas = load_package("pandas", "pandas", "to_dataframe")
    rows = []
    for index in range(micrograph.frame_count):
        frame = micrograph.frame(index)
        pixels = frame.pixels
        rows.append(
            {
                "frame": index,
                "minimum": float(pixels.min()),
                "median": float(np.median(pixels)),
                "mean": float(pixels.mean(dtype=np.float64)),
                "maximum": float(pixels.max()),
                "standard_deviation": float(pixels.std(dtype=np.float64)),
                "invalid_px": 0 if frame.invalid is None else int(np.count_nonzero(frame.invalid)),
            }
        )
    return pandas.DataFrame(rows)


def plot(micrograph: Micrograph, frame: int, axes: Axes | None) -> Axes:
    """Draw one frame with axes in nm."""
    one = micrograph.frame(frame)
    axes = axes_or_new(axes)
    show_image(axes, one.pixels, micrograph.pixel_size_nm)
    where = f", frame {frame}" if micrograph.is_stack else ""
    axes.set_title(f"{micrograph.name}{where}")
    return axes
