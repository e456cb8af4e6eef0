"""Appearance of labels and patches in napari: boxes in the colours of their classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import PATCH_PX, colours_of, complete_classes
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    calibration_keywords,
    image_layer,
    layer_name,
)
from napari_stem_defects.reporting.colour_contrast import casing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.napari_plugin.layers.convert import LayerData

_EDGE_SHARE = 0.03
_CASING_SHARE, _CASING_SCALE = 0.02, 1.04
_CENTRE_PX = 5


def box_keywords(
    labels: Sequence[Label],
    colours: Mapping[str, str],
    selected: str = "",
    suggested: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Return labels as keywords of a Points layer: all boxes, then all centres, then all casings.

    The casing of a box is a thin line around it, black or white, so that boxes of any colour are
    visible on bright and on dark parts of an image.

    Parameters
    ----------
    labels : sequence of Label
        Labels of one frame.
    colours : mapping
        Colour of every class, ``#rrggbb``.
    selected : str
        Id of the label whose box is tinted.
    suggested : (y, x) or None
        Centre, in px, of an unlabelled window suggested for labelling; its box is white.

    Returns
    -------
    dict
        Arguments of `napari.layers.Points`, ``data`` (points of y, x in px) among them.
    """
    count = len(labels)
    edges = [colours[label.class_name] for label in labels]
    faces = [
        f"{colour}50" if label.id == selected else "#00000000"
        for label, colour in zip(labels, edges, strict=True)
    ]
    positions = [(label.y, label.x) for label in labels]
    sizes = [float(label.size_px) for label in labels]
    extra = [] if suggested is None else [suggested]
    one = len(extra)
    casings = [casing_of(colour) for colour in (*edges, *["#ffffff"] * one)]
    return {
        "data": np.array([*positions * 3, *extra * 2], float).reshape(-1, 2),
        "symbol": np.array(["square"] * count + ["disc"] * count + ["square"] * (count + 2 * one)),
        "size": np.array(
            [
                *sizes,
                *[_CENTRE_PX] * count,
                *(size * _CASING_SCALE for size in sizes),
                *[PATCH_PX, PATCH_PX * _CASING_SCALE] * one,
            ],
            float,
        ),
        "face_color": faces + edges + ["#00000000"] * count + ["#ffffff18", "#00000000"] * one,
        "border_color": edges * 2 + casings[:count] + ["#ffffff", *casings[count:]] * one,
        "border_width": np.array(
            [_EDGE_SHARE] * count
            + [0.0] * count
            + [_CASING_SHARE] * count
            + [_EDGE_SHARE, _CASING_SHARE] * one
        ),
        "features": {
            "class": [label.class_name for label in labels] * 3 + ["?"] * (2 * one),
            "part": [
                *(part for part in ("box", "centre", "casing") for _ in labels),
                *["suggested", "casing"] * one,
            ],
            "source": [label.source for label in labels] * 3 + ["suggested"] * (2 * one),
            "author": [label.author for label in labels] * 3 + [""] * (2 * one),
        },
    }


def label_project_layers(path: Path) -> list[LayerData]:
    """Return the labelled frames of a label project and their boxes, read-only.

    Parameters
    ----------
    path : Path
        Folder of the project.

    Returns
    -------
    list of (data, keywords, kind)
        napari layer data: an image layer and a points layer for each labelled frame.

    Raises
    ------
    InputError
        If the project is damaged.
    """
    layers: list[LayerData] = []
    with LabelProject.open(path, read_only=True) as project:
        colours = {entry.name: entry.colour for entry in project.classes}
        for micrograph, labels in project.by_frame():
            name = micrograph.name
            if _has_several_frames(project, labels[0]):
                name = f"{name} [{labels[0].frame}]"
            layers.append(image_layer(replace(micrograph, name=name)))
            points = box_keywords(labels, colours) | calibration_keywords(micrograph.pixel_size_nm)
            points["name"] = layer_name(name, "labels")
            layers.append((points.pop("data"), points, "points"))
    return layers


def _has_several_frames(project: LabelProject, label: Label) -> bool:
    """Return whether the project contains several frames of the image of a label."""
    return sum(frame.sha256 == label.image for frame in project.frames) > 1


def patch_folder_layers(folder: PatchFolder) -> list[LayerData]:
    """Return a patch folder as one stack, with the class as text on each patch.

    Parameters
    ----------
    folder : PatchFolder
        Patches of one size, with their classes and file names.

    Returns
    -------
    list of (data, keywords, kind)
        napari layer data: an image layer and a points layer.
    """
    name = folder.root.name
    keywords = calibration_keywords(None, 3) | {
        "name": name,
        "metadata": {METADATA_KEY: {"patches": list(folder.names)}},
    }
    count = len(folder.classes)
    colours = colours_of(complete_classes(dict.fromkeys(folder.classes), folder.class_data))
    titles = {
        "name": layer_name(name, "classes"),
        "features": {"class": list(folder.classes), "file": list(folder.names)},
        "text": {"string": "{class}", "color": "white", "anchor": "upper_left", "size": 12},
        "face_color": [colours[name] for name in folder.classes],
        "size": 2,
        **calibration_keywords(None, 3),
    }
    corners = np.column_stack([np.arange(count), np.full(count, 2.0), np.full(count, 2.0)])
    return [(folder.patches, keywords, "image"), (corners, titles, "points")]
