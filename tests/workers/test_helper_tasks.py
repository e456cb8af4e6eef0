"""A helper process holds an image and what is common to the items, and calls functions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.progress import silent
from napari_stem_defects.workers import helper_tasks as tasks

FUNCTION = "helped_functions:value"


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_held", tasks._Held())


def test_items_of_the_image_that_is_held() -> None:
    tasks.prepare(modules=["json"], report=silent)
    tasks.hold_common(common=10.0, report=silent)
    for shift in (0, 1):
        tasks.hold_image(image=np.eye(2, dtype=np.float32) + shift, report=silent)
        found = tasks.call(
            function=FUNCTION, with_image=True, items=[(0, 0), (0, 1)], report=silent
        )
        assert found == [10.0 * (1 + shift), 10.0 * shift]


def test_functions_without_an_image_get_none() -> None:
    tasks.hold_image(image=np.eye(2, dtype=np.float32), report=silent)
    with pytest.raises(TypeError, match="NoneType"):
        tasks.call(function=FUNCTION, with_image=False, items=[(0, 0)], report=silent)
