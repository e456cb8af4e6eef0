"""Files of single frames are read back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from result_samples import CLASSES, detection, micrograph

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.frame_file import (
    read_frame,
    read_frame_map,
    read_frame_masks,
    read_frame_metadata,
    write_frame,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_frame_is_read_back(tmp_path: Path) -> None:
    expected = detection(micrograph(frames=4), 3)
    write_frame(tmp_path / "frame.npz", expected)
    found = read_frame(tmp_path / "frame.npz")
    assert (found.image, found.frame, found.seconds) == ("lamella", 3, 0.25)
    assert found.regions == expected.regions
    assert found.parameters == expected.parameters
    np.testing.assert_array_equal(found.masks, expected.masks)
    np.testing.assert_array_equal(found.map.probability, expected.map.probability)


def test_array_names_are_part_of_the_format(tmp_path: Path) -> None:
    write_frame(tmp_path / "frame.npz", detection(micrograph()))
    with np.load(tmp_path / "frame.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {
            "about", "planes", "planes_bytes", "planes_to", "probability", "called", "y", "x"
        }  # fmt: skip


def test_metadata_masks_and_map_are_read_separately(tmp_path: Path) -> None:
    expected = detection(micrograph())
    write_frame(tmp_path / "frame.npz", expected)
    metadata = read_frame_metadata(tmp_path / "frame.npz")
    assert metadata["mask_names"] == [*CLASSES[1:], "unknown"]
    assert metadata["mask_px"] == [int(mask.sum()) for mask in expected.masks]
    assert metadata["called"] == 1.0
    masks = read_frame_masks(tmp_path / "frame.npz", metadata)
    np.testing.assert_array_equal(masks.masks(), expected.masks)
    assert read_frame_map(tmp_path / "frame.npz", metadata["class_data"]).classes == CLASSES


def test_a_damaged_frame_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "frame.npz"
    write_frame(path, detection(micrograph()))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReadError, match=r"^frame\.npz: is damaged"):
        read_frame(path)
