"""What numpy holds at once, counted: a large image is searched and kept in strips."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from small_model import write_small_model

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.formats import write_masks
from napari_stem_defects.io.results.frame_file import write_frame
from napari_stem_defects.postprocessing import mask_stack
from napari_stem_defects.preprocessing import pipeline, tiled


def test_a_large_image_needs_little_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plane, no labels, no probabilities and no flattened image are ever there as a whole."""
    monkeypatch.setattr(pipeline, "HUGE_PX", 1)
    monkeypatch.setattr(tiled, "STRIP_ROWS", 32)
    monkeypatch.setattr(mask_stack, "BLOCK_PIXELS", 2**16)
    ensemble = load_model(write_small_model(tmp_path / "small.safetensors"))
    lattice = np.add.outer(*[np.sin(np.arange(2560, dtype=np.float32) / 3)] * 2)
    image = Micrograph(lattice.astype(np.float32), "large", ensemble.spec.pixel_size_nm)
    detect_frame(Micrograph(lattice[:64, :64], "small"), ensemble)  # builds the network
    tracemalloc.start()
    found = detect_frame(image, ensemble, stride=64, thresholds={"SF1": 0.0})
    write_frame(tmp_path / "frame.npz", found)
    write_masks(tmp_path / "masks.ome.tif", iter([found.mask_stack]), None, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{peak / 1e6:.0f} MB beside an image of {lattice.nbytes / 1e6:.0f} MB")
    assert sum(found.mask_stack.areas_px()) == image.pixels.size
    assert peak < 4 * lattice.nbytes  # most of it a batch of windows; once six times as much
