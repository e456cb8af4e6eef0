"""Clicks of label projects, for quick models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import DefectClass, Kind, complete_classes
from napari_stem_defects.base.natural_order import natural_key
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.training.dataset import agreeing_classes
from napari_stem_defects.training.quick_images import LabelledImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_clicks(
    paths: Sequence[str | Path], kinds: Mapping[str, Kind] | None = None
) -> tuple[list[LabelledImage], tuple[DefectClass, ...]]:
    """Read the clicks of label projects.

    Parameters
    ----------
    paths : sequence of str or Path
        Label projects.
    kinds : mapping of str to {"point", "line", "area"}, optional
        Kinds of classes, which hold before those in the projects.

    Returns
    -------
    images : list of LabelledImage
        One per labelled frame, its clicks oldest first.
    classes : tuple of DefectClass
        All classes of the projects.

    Raises
    ------
    LabelError
        A path is no label project, or holds no click; or a class has two kinds.
    """
    images: list[LabelledImage] = []
    classes: list[DefectClass] = []
    for path in map(Path, paths):
        if not path.exists():
            raise LabelError(one_line(path, "there is no such label project", "check its name"))
        if not is_label_project(path):
            fault = "this is no label project, and models from few clicks learn from clicks"
            advice = "label the micrograph first, or import patches with --image"
            raise LabelError(one_line(path, fault, advice))
        with LabelProject.open(path, read_only=True) as project:
            classes += [entry.defect_class for entry in project.classes]
            for micrograph, labels in project.by_frame():
                placed = sorted((label for label in labels if not label.weak), key=lambda x: x.at)
                if placed:
                    y, x = np.array([(label.y, label.x) for label in placed], np.float64).T
                    of_clicks = tuple(label.class_name for label in placed)
                    images.append(LabelledImage(micrograph, y, x, of_clicks))
    if not images:
        advice = "click some places first"
        raise LabelError(one_line(Path(paths[0]), "holds no clicks", advice) if paths else advice)
    names = {label for image in images for label in image.labels}
    if missing := sorted(set(kinds or {}) - names):
        raise LabelError(f"kind of {missing[0]}: no label has this class")
    given = [DefectClass(name, kind) for name, kind in (kinds or {}).items()]
    known = {each.name: each for each in classes}
    given = [replace(known.get(each.name, each), kind=each.kind) for each in given]
    rest = agreeing_classes(each for each in classes if each.name not in (kinds or {}))
    return images, complete_classes(sorted(names, key=natural_key), (*given, *rest))
