"""Models that stay loaded between searches."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from small_model import write_small_model

import napari_stem_defects as sd
from napari_stem_defects.api import detect as api_detect
from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models import kept_models
from napari_stem_defects.io.models.kept_models import kept_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_is_loaded_once_for_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = write_small_model(tmp_path / "small.safetensors"), []
    load = kept_models.load_model
    monkeypatch.setattr(kept_models, "load_model", lambda each: opened.append(each) or load(each))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(kept_model, [path, str(path)] * 4))
    assert len(opened) == 1
    assert all(each is found[0] for each in found)


def test_a_changed_file_is_loaded_again(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    before = path.stat()
    first = kept_model(path)
    write_small_model(path, classes=("Bulk", "SF2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert first.spec.classes != kept_model(path).spec.classes == ("Bulk", "SF2")


@pytest.mark.parametrize("content", [None, b"no model"])
def test_what_is_no_model_is_stated_every_time(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.safetensors"
    if content is not None:
        path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(ModelError, match="odd"):
            kept_model(path)


def test_detect_loads_a_named_model_once_for_several_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, found = write_small_model(tmp_path / "small.safetensors"), []
    image, kept = sd.simulate(size=128).micrograph, api_detect.kept_model
    monkeypatch.setattr(
        api_detect, "kept_model", lambda each: found.append(kept(each)) or found[-1]
    )
    for _ in range(2):
        sd.detect(image, path, stride=32, device="cpu")
    assert found[0] is found[1]
