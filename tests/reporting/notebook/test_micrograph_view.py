"""A micrograph in a notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from html_cards import Card

import napari_stem_defects as sd


def stack() -> sd.Micrograph:
    pixels = np.random.default_rng(0).random((4, 60, 90)).astype(np.float32)
    invalid = np.zeros(pixels.shape, bool)
    invalid[1, 2, 3:5] = True
    return sd.Micrograph(
        pixels,
        "se<ries>",
        0.05,
        "file",
        invalid,
        path=Path("a") / "series.tif",
        notes=("The alpha channel was left out.",),
    )


def test_the_card_shows_frames_and_states_the_scale() -> None:
    found = Card(stack()._repr_html_())
    assert "se<ries>" in found.texts
    assert "The alpha channel was left out." in found.texts
    rows = {row[0]: row[1] for row in found.rows if len(row) == 2}
    assert rows["frames"] == "4"
    assert rows["frame"] == "90 x 60 px (4.5 x 3 nm)"
    assert rows["pixel size"] == "0.05 nm per px (file)"
    assert rows["invalid pixels"] == "2"
    assert rows["file"].endswith("series.tif")
    assert [picture.shape for picture in found.pictures] == [(180, 270)] * 3


def test_an_image_without_a_scale_or_a_file() -> None:
    plain = sd.Micrograph(np.zeros((8, 8), np.float32), "flat")
    found = Card(plain._repr_html_())
    assert ["pixel size", "not known"] in found.rows
    assert repr(plain) == "Micrograph('flat', 8 x 8 px, no pixel size, unknown)"
    text = "Micrograph('se<ries>', 4 frames of 90 x 60 px (4.5 x 3 nm), 0.05 nm/px, file)"
    assert repr(stack()) == text


def test_the_table_has_a_row_per_frame() -> None:
    pytest.importorskip("pandas")
    found = stack().to_dataframe()
    assert found["frame"].tolist() == [0, 1, 2, 3]
    assert found["invalid_px"].tolist() == [0, 2, 0, 0]
    np.testing.assert_allclose(found["mean"], stack().pixels.mean(axis=(1, 2)), rtol=1e-5)


def test_a_frame_is_drawn() -> None:
    axes = stack().plot(frame=2)
    assert axes.get_title() == "se<ries>, frame 2"
    assert axes.get_xlabel() == "x (nm)"
    with pytest.raises(sd.InputError, match="there is no frame 9"):
        stack().plot(frame=9)
