"""Manual corrections and the labels made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_results import SHAPE, result

from napari_stem_defects.base.defect_classes import DefectClass, default_class
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.panels.common.shared_state import OpenLabels
from napari_stem_defects.napari_plugin.panels.detect.corrections import Corrections

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE = Micrograph(np.zeros(SHAPE, np.float32), "CdTe", sha256="ab" * 32)


class Editor:
    """A label project in memory."""

    def __init__(self) -> None:
        self.labels: dict[str, tuple[tuple[float, float], str]] = {}
        self.known: list[DefectClass | None] = []

    def add_labels(
        self,
        image: Micrograph,
        frame: int,
        positions: Sequence[tuple[float, float]],
        class_name: str,
        *,
        known: DefectClass | None = None,
    ) -> tuple[str, ...]:
        self.known.append(known)
        first = len(self.labels)
        ids = tuple(f"id{first + number}" for number in range(len(positions)))
        self.labels |= {i: (p, class_name) for i, p in zip(ids, positions, strict=True)}
        return ids

    def remove(self, *label_ids: str) -> None:
        for label_id in label_ids:
            del self.labels[label_id]


@pytest.fixture
def project() -> OpenLabels:
    return OpenLabels()


@pytest.fixture
def corrections(project: OpenLabels) -> Corrections:
    return Corrections(project)


def correct(corrections: Corrections, class_name: str, right: str) -> None:
    found = result()
    region = next(each for each in found.regions if each.class_name == class_name)
    corrections.add(found, region, right, IMAGE)


def test_corrections_become_labels_of_the_open_project(
    project: OpenLabels, corrections: Corrections
) -> None:
    editor = Editor()
    project.set(editor)
    correct(corrections, "SF1", "Bulk")
    assert {name for _, name in editor.labels.values()} == {"Bulk"}
    assert len(editor.labels) > 1  # along the fault
    assert editor.known == [default_class("Bulk")]
    assert corrections.statement() == f"1 corrected, {len(editor.labels)} labels made."
    (made,) = corrections.made
    assert (made.found, made.right) == ("SF1", "Bulk")
    assert result().numbered[result().names.index("SF1"), made.y, made.x]


def test_corrections_wait_for_a_project(project: OpenLabels, corrections: Corrections) -> None:
    correct(corrections, "SF1", "LC")
    assert "1 waits: open a project in Label patches" in corrections.statement()
    editor = Editor()
    project.set(editor)
    corrections.add_waiting_labels()
    count = len(editor.labels)
    assert count
    corrections.add_waiting_labels()
    assert len(editor.labels) == count


def test_undo_removes_the_labels(project: OpenLabels, corrections: Corrections) -> None:
    editor = Editor()
    project.set(editor)
    correct(corrections, "SF1", "Bulk")
    correct(corrections, "LC", "Bulk")
    corrections.undo()
    assert [each.found for each in corrections.made] == ["SF1"]
    corrections.undo()
    corrections.undo()
    assert editor.labels == {}
    assert corrections.statement() == ""


def test_corrections_of_stored_results_make_no_labels(
    project: OpenLabels, corrections: Corrections
) -> None:
    project.set(Editor())
    correct(corrections, "SF1", "Bulk")
    corrections.restore(corrections.made)
    assert corrections.statement() == "1 corrected."


def test_clear_keeps_the_labels(project: OpenLabels, corrections: Corrections) -> None:
    editor = Editor()
    project.set(editor)
    correct(corrections, "SF1", "Bulk")
    corrections.clear()
    assert corrections.made == ()
    assert editor.labels
