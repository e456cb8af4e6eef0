"""Pages of the frames of a stack: which there are, and what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.io.results import frame_pages
from napari_stem_defects.io.results.frame_pages import (
    are_drawn,
    describe_pictures,
    frames_with_page,
    page_names,
)
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.result_folder import open_results, write_results

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.io.results.frame_pages import Pictures

FRAMES = [{"frame": number, "regions": [1] * (number % 2)} for number in range(300)]


def test_up_to_fifty_frames_with_defects_get_a_page() -> None:
    places = frames_with_page(FRAMES, "summary", is_stack=True)
    assert len(places) == 50
    assert (places[0], places[-1]) == (1, 299)
    assert all(place % 2 for place in places)
    assert frames_with_page(FRAMES[:10], "summary", is_stack=True) == [1, 3, 5, 7, 9]
    assert frames_with_page(FRAMES, "all", is_stack=True) == list(range(300))
    assert frames_with_page(FRAMES, "none", is_stack=True) == []


@pytest.mark.parametrize("pictures", ["all", "summary", "none"])
def test_the_overview_is_the_page_of_a_single_frame(pictures: Pictures) -> None:
    assert frames_with_page(FRAMES[1:2], pictures, is_stack=True) == []
    assert frames_with_page(FRAMES[1:2], pictures, is_stack=False) == []


def test_what_is_left_out_is_stated() -> None:
    places = frames_with_page(FRAMES, "summary", is_stack=True)
    text = describe_pictures(FRAMES, places, "summary", is_stack=True)["left_out"]
    assert text.startswith("100 of 150 frames with defects have no page")
    complete = describe_pictures(FRAMES, range(300), "all", is_stack=True)
    assert complete == {"drawn": "all", "pages": list(range(300)), "left_out": ""}
    assert describe_pictures(FRAMES[:1], [], "summary", is_stack=False)["drawn"] == "all"
    assert "--pictures" in describe_pictures(FRAMES, [], "none", is_stack=True)["left_out"]


def test_more_pictures_include_fewer() -> None:
    drawn = {"pictures": {"drawn": "summary", "pages": [3]}}
    assert [are_drawn(drawn, each) for each in ("none", "summary", "all")] == [True, True, False]
    assert are_drawn({}, "summary")  # results of before have an overview
    assert page_names(drawn) == ("frames/frame_00003.png",)


def test_pages_are_written_and_replaced(tmp_path: Path) -> None:
    movie = micrograph(frames=4)
    found = [detection(movie, frame, empty=frame == 1) for frame in range(4)]
    folder = write_results(tmp_path, movie, found, MODEL)
    names = sorted(path.name for path in (folder / "frames").iterdir())
    assert names == ["frame_00000.png", "frame_00002.png", "frame_00003.png"]
    with Image.open(folder / "frames" / names[1]) as page:
        assert page.mode == "RGB"
        assert page.width >= 1000
    summary = read_summary(folder)
    assert summary["pictures"] == {"drawn": "summary", "pages": [0, 2, 3], "left_out": ""}
    assert "frames/frame_00002.png" in summary["files"]
    (folder / "frames" / "mine.png").write_bytes(b"notes")
    other = [detection(movie, frame, empty=frame < 3, threshold=0.85) for frame in range(4)]
    assert write_results(tmp_path, movie, other, MODEL) == folder
    left = sorted(path.name for path in (folder / "frames").iterdir())
    assert left == ["frame_00003.png", "mine.png"]


def test_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn, pictures of before are removed, and results count as finished."""
    movie = micrograph(frames=2)
    found = [detection(movie, frame) for frame in range(2)]
    folder = write_results(tmp_path, movie, found, MODEL)
    changed = [detection(movie, frame, threshold=0.85) for frame in range(2)]
    monkeypatch.setattr(frame_pages, "draw_frame_page", None)
    write_results(tmp_path, movie, changed, MODEL, pictures="none")
    assert not list(folder.rglob("*.png"))
    assert not (folder / "frames").exists()
    shaping = {"of each frame": [each.parameters for each in changed]}
    assert open_results(tmp_path, movie, MODEL, shaping, pictures="none").finished
    assert not open_results(tmp_path, movie, MODEL, shaping).finished
