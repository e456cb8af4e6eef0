"""A small model and the settings of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_model import write_small_model

from napari_stem_defects.jobs.batch_frame import Settings, read_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture(autouse=True)
def clear_caches() -> Iterator[None]:
    """Forget the image that was read last."""
    read_once.cache_clear()
    yield
    read_once.cache_clear()


@pytest.fixture
def settings(tmp_path: Path, model: Path) -> Settings:
    return Settings(tmp_path / "out", model, stride=32, pixel_size_nm=0.027, device="cpu")
