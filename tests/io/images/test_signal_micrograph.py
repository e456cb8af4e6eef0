"""A signal of a file as a micrograph."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.signal_micrograph import chosen_image, stored_signals
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal

IMAGE = np.ones((40, 50), np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.savez(tmp_path / "both.npz", haadf=IMAGE, survey=IMAGE[:20, :20] * 2)
    return tmp_path / "both.npz"


def test_the_default_has_the_hash_of_the_file_and_others_their_own(path: Path) -> None:
    signals = stored_signals(path)
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    default, named, other = (chosen_image(path, signals, each, []) for each in (None, 0, 1))
    assert (default.sha256, named.sha256) == (whole, whole)
    assert other.sha256 == hashlib.sha256(f"{whole} 1".encode()).hexdigest()
    assert default.info.title == "haadf"
    assert not default.is_only


def test_a_micrograph_is_named_after_file_and_signal(path: Path) -> None:
    chosen = chosen_image(path, stored_signals(path), "survey", [])
    made = chosen.micrograph(IMAGE, None, ["Converted."], ["a warning"])
    assert (made.name, made.signal, made.path) == ("both", "survey", path)
    assert "Converted." in made.notes
    assert made.metadata["reader_messages"] == ["a warning"]
    assert made.metadata["stored"]["shape"] == [20, 20]


def test_a_stack_that_its_library_reports_as_cut_short_is_refused(path: Path) -> None:
    signal = StoredSignal(SignalInfo("image", (40, 50), "float32"), lambda: RawImage(IMAGE))
    with pytest.raises(ReadError, match="is cut short, frames are missing"):
        chosen_image(path, [signal], None, ["invalid page offset 12"])
