"""Checkpoints are saved in one step and ignored unless valid and of the same training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.models.checkpoint_store import CheckpointFolder
from napari_stem_defects.training.checkpointing import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

STATE = Checkpoint(
    {"weights": np.arange(12, dtype=np.float32).reshape(3, 4), "steps": np.array(7)},
    {"epoch": 3, "best": [0.25, None]},
)


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "model.checkpoint", "labels and options")


def test_a_checkpoint_is_read_back(checkpoints: CheckpointFolder) -> None:
    checkpoints.save("site", STATE)
    found = checkpoints.load("site")
    assert found is not None
    assert found.values == STATE.values
    assert set(found.arrays) == set(STATE.arrays)
    for name, array in STATE.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def test_arrays_in_any_memory_order_are_read_back(checkpoints: CheckpointFolder) -> None:
    array = np.asfortranarray(STATE.arrays["weights"])
    checkpoints.save("site", Checkpoint({"weights": array}))
    found = checkpoints.load("site")
    assert found is not None
    np.testing.assert_array_equal(found.arrays["weights"], array)


def test_each_part_has_its_own_checkpoint(checkpoints: CheckpointFolder) -> None:
    checkpoints.save("site", STATE)
    checkpoints.save("random", Checkpoint({}, {"epoch": 9}))
    assert checkpoints.load("model") is None
    assert sorted(path.name for path in checkpoints.path.iterdir()) == [
        "random.safetensors",
        "site.safetensors",
    ]
    found = checkpoints.load("random")
    assert found is not None
    assert found.values == {"epoch": 9}


def test_a_checkpoint_of_another_training_is_ignored(checkpoints: CheckpointFolder) -> None:
    checkpoints.save("site", STATE)
    assert CheckpointFolder(checkpoints.path, "other options").load("site") is None


@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_damaged_checkpoint_is_ignored(checkpoints: CheckpointFolder, position: int) -> None:
    checkpoints.save("site", STATE)
    path = checkpoints.path / "site.safetensors"
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
    assert checkpoints.load("site") is None
    path.write_bytes(data[:-5])
    assert checkpoints.load("site") is None


def test_all_checkpoints_are_removed(checkpoints: CheckpointFolder) -> None:
    checkpoints.save("site", STATE)
    checkpoints.remove()
    assert not checkpoints.path.exists()
    checkpoints.remove()


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError):
        CheckpointFolder(tmp_path / "file", "training").save("site", STATE)
