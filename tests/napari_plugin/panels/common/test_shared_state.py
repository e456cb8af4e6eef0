"""State shared between the panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.napari_plugin.panels.common.shared_state import (
    OpenLabels,
    TrainingSettings,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.micrograph import Micrograph


class Editor:
    def add_labels(
        self,
        image: Micrograph,
        frame: int,
        positions: Sequence[tuple[float, float]],
        class_name: str,
    ) -> tuple[str, ...]:
        return ()

    def remove(self, *label_ids: str) -> None:
        pass


def test_a_project_is_announced_once() -> None:
    state, editor, announced = OpenLabels(), Editor(), []
    state.changed.connect(lambda: announced.append(state.editor))
    state.set(editor)
    state.set(editor)
    assert announced == [editor]


def test_only_the_panel_with_the_project_releases_it() -> None:
    state, editor = OpenLabels(), Editor()
    state.set(editor)
    state.release(Editor())
    assert state.editor is editor
    state.release(editor)
    assert state.editor is None


def test_training_settings_are_set_and_removed() -> None:
    state, announced = TrainingSettings(), []
    state.changed.connect(lambda: announced.append(state.preprocessing))
    settings = PreprocessingSettings(smoothing_px=2)
    state.set(settings)
    state.set(None)
    assert announced == [settings, None]
