"""Images of a project in a viewer without canvas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.panels.label.project_images import ProjectImages
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

if TYPE_CHECKING:
    from collections.abc import Iterator

PIXELS = np.random.default_rng(0).random((100, 120), np.float32)
STACK = Micrograph(np.stack([PIXELS, PIXELS]), "stack", sha256="cd" * 32)


@pytest.fixture
def model(tmp_path: Path) -> Iterator[LabelViewModel]:
    made = LabelViewModel()
    made.create(tmp_path / "labels", ("Bulk", "SF1"))
    made.add_labels(Micrograph(PIXELS, "single", sha256="ab" * 32), 0, [(10, 20)], "SF1")
    made.add_labels(STACK, 1, [(10, 20)], "SF1")
    yield made
    made.close()


def opened(viewer: ViewerModel, model: LabelViewModel) -> tuple[ProjectImages, SimpleNamespace]:
    selector = SimpleNamespace(images=viewer.layers, image=None)
    selector.select = lambda layer: setattr(selector, "image", layer)
    return ProjectImages(viewer, model, selector), selector


def test_an_image_is_opened_once(model: LabelViewModel) -> None:
    viewer = ViewerModel()
    images, selector = opened(viewer, model)
    images.show(0)
    first = selector.image
    assert first.name == "single"
    images.show(1)
    assert selector.image.metadata[convert.METADATA_KEY]["frame"] == 1
    images.show(0)
    assert selector.image is first
    assert len(viewer.layers) == 2


def test_the_layer_of_a_stack_is_used_and_its_frame_shown(model: LabelViewModel) -> None:
    viewer = ViewerModel()
    images, selector = opened(viewer, model)
    layer = viewer.add_image(STACK.pixels, name="stack")
    images.remember(layer, STACK.sha256)
    assert images.show_frame_of(model.newest) is layer
    assert selector.image is layer
    assert viewer.dims.current_step[0] == 1


def test_missing_pixels_are_one_line(model: LabelViewModel) -> None:
    viewer, messages = ViewerModel(), []
    images, selector = opened(viewer, model)
    model.failed.connect(messages.append)
    for file in (model.project.path / "images").iterdir():
        file.unlink()
    images.show(0)
    assert selector.image is None
    assert len(messages) == 1


def test_an_image_that_is_open_but_was_not_shown_is_found(tmp_path: Path) -> None:
    """The panel shows one of two images; that of the project is the other one."""
    pixels = [PIXELS, PIXELS[::-1].copy()]
    viewer = ViewerModel()
    layers = [viewer.add_image(each, name=name) for each, name in zip(pixels, "ab", strict=True)]
    viewer.add_image(PIXELS[:50], name="of another size")
    made = LabelViewModel()
    made.create(tmp_path / "labels", ("Bulk", "SF1"))
    made.add_labels(convert.whole_input(layers[0]).micrograph(), 0, [(10, 20)], "SF1")
    images, selector = opened(viewer, made)
    images.show(0)
    assert selector.image is layers[0]
    assert len(viewer.layers) == 3
    made.close()
