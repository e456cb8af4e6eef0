"""A label project in a notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import napari_stem_defects as sd


def project(folder: Path, frames: int = 1) -> sd.LabelProject:
    made = sd.LabelProject.create(folder, ["Bulk", "SF1"])
    for number in range(frames):
        pixels = np.full((100, 120), float(number), np.float32)
        image = made.add_image(sd.Micrograph(pixels, f"lamella {number}", pixel_size_nm=0.02))
        made.add(image, 20, 30.5, "SF1")
    return made


def test_the_card_names_frames_classes_and_counts(tmp_path: Path) -> None:
    with project(tmp_path / "mine") as labels:
        html = labels._repr_html_()
    assert "label project mine: 1 label in 1 frame" in html
    assert "lamella 0: 120 x 100 px (2.4 x 2 nm), 0.02 nm per px" in html
    for name in ("Bulk", "SF1", "line", "labels"):
        assert name in html


def test_many_frames_are_counted_not_listed(tmp_path: Path) -> None:
    with project(tmp_path / "many", 8) as labels:
        html = labels._repr_html_()
    assert "and 3 more frames" in html
    assert "lamella 6" not in html


def test_the_text_form_is_one_line_with_the_counts(tmp_path: Path) -> None:
    with project(tmp_path / "mine") as labels:
        assert repr(labels) == "LabelProject('mine', 1 frame, 0 Bulk, 1 SF1)"
    with sd.LabelProject.open(tmp_path / "mine", read_only=True) as labels:
        assert repr(labels).endswith("read-only)")
