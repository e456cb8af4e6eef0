"""Which pictures of a stack are drawn, and the pages of its frames.

A movie of thousands of frames has its masks and tables, but thousands of pictures are of no use,
and drawing one takes as long as searching a frame. By default a stack has an overview with up to
twelve frames, and up to fifty pages, each of one frame with defects.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_stem_defects.base.cores import usable_cores
from napari_stem_defects.io.results.frame_file import read_frame
from napari_stem_defects.io.results.picture_file import write_picture
from napari_stem_defects.io.results.summary import sum_results
from napari_stem_defects.reporting.overview import draw_frame_page
from napari_stem_defects.reporting.shown_frames import evenly_spaced
from napari_stem_defects.reporting.undrawn import draw_or_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.results.stored_frames import StoredFrames

Pictures = Literal["all", "summary", "none"]
"""A page of each frame of a stack, of up to fifty frames with defects, or no picture at all."""

PICTURES: tuple[Pictures, ...] = get_args(Pictures)
DEFAULT_PICTURES: Pictures = "summary"
PICTURES_DRAWN = "pictures"
"""Key of what was drawn, in the summary."""
PAGES = "frames"
"""Folder of the pages, in that of the results."""
MOST_PAGES = 50

_MOST_THREADS = 4


def page_name(frame: int) -> str:
    """Return the path of a page in the folder of results.

    Parameters
    ----------
    frame : int
        Index of the frame.

    Returns
    -------
    str
        Such as ``frames/frame_00012.png``.
    """
    return f"{PAGES}/frame_{frame:05d}.png"


def frames_with_page(
    frames: Sequence[Mapping[str, Any]], pictures: Pictures, *, is_stack: bool
) -> list[int]:
    """Choose the frames that get a page.

    Parameters
    ----------
    frames : sequence of mapping
        Metadata of each frame; see `frame_file.read_frame_metadata`.
    pictures : {"all", "summary", "none"}
    is_stack : bool
        Whether the image is a stack. Of a single frame, the overview is the page.

    Returns
    -------
    list of int
        Places in ``frames``: all of them, or up to `MOST_PAGES` of those with defects, evenly
        spaced, the first and the last one among them.
    """
    if pictures == "none" or not is_stack or len(frames) < 2:
        return []
    if pictures == "all":
        return list(range(len(frames)))
    found = [place for place, frame in enumerate(frames) if frame["regions"]]
    return [found[index] for index in evenly_spaced(len(found), MOST_PAGES)]


def describe_pictures(
    frames: Sequence[Mapping[str, Any]],
    places: Sequence[int],
    pictures: Pictures,
    *,
    is_stack: bool,
) -> dict[str, Any]:
    """Describe which pictures there are and which were left out, for the summary.

    Parameters
    ----------
    frames : sequence of mapping
        Metadata of each frame.
    places : sequence of int
        Result of `frames_with_page`.
    pictures : {"all", "summary", "none"}
    is_stack : bool

    Returns
    -------
    dict
        ``drawn`` (at least what ``pictures`` demands), ``pages`` (indices of frames) and
        ``left_out``, one sentence or "".
    """
    with_defects = sum(1 for frame in frames if frame["regions"])
    without = with_defects - sum(1 for place in places if frames[place]["regions"])
    left_out = ""
    if pictures == "none":
        left_out = "No picture was drawn; draw them with --pictures summary or all."
    elif is_stack and len(frames) > 1 and without:
        left_out = (
            f"{without} of {with_defects} frames with defects have no page;"
            " draw all with --pictures all."
        )
    is_all = pictures == "summary" and not (is_stack and len(frames) > 1)
    return {
        "drawn": "all" if is_all else pictures,
        "pages": [frames[place]["frame"] for place in places],
        "left_out": left_out,
    }


def are_drawn(summary: Mapping[str, Any], pictures: Pictures) -> bool:
    """Return whether the pictures of finished results include those wanted.

    Parameters
    ----------
    summary : mapping
        Content of the summary.
    pictures : {"all", "summary", "none"}
        The pictures wanted.

    Returns
    -------
    bool
    """
    drawn = summary.get(PICTURES_DRAWN, {}).get("drawn", DEFAULT_PICTURES)
    return PICTURES.index(drawn) <= PICTURES.index(pictures)


def page_names(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the pages of finished results, in their folder.

    Parameters
    ----------
    summary : mapping
        Content of the summary.

    Returns
    -------
    tuple of str
        See `page_name`.
    """
    return tuple(page_name(frame) for frame in summary.get(PICTURES_DRAWN, {}).get("pages", ()))


def write_pages(
    folder: Path, stored: StoredFrames, places: Sequence[int], micrograph: Micrograph, model: str
) -> tuple[tuple[str, ...], str]:
    """Draw and write the pages of frames, several at a time.

    Parameters
    ----------
    folder : Path
        Folder of the results, or the one they are written to first.
    stored : StoredFrames
        The frames of the stack.
    places : sequence of int
        Result of `frames_with_page`.
    micrograph : Micrograph
        The stack.
    model : str
        Name of the model.

    Returns
    -------
    names : tuple of str
        Paths of the pages in the folder; see `page_name`.
    fault : str
        One sentence about the first page that could not be drawn; "" if all were.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """

    def draw(place: int) -> tuple[str, str]:
        found = read_frame(stored.paths[place])
        sums = sum_results([stored.facts[place]], found.regions)
        name = page_name(found.frame)
        page = partial(draw_frame_page, micrograph, found, sums, model)
        picture, fault = draw_or_state(page, f"The page of frame {found.frame}")
        write_picture(folder / name, picture)
        return name, fault

    with ThreadPoolExecutor(min(_MOST_THREADS, usable_cores()), "page") as pool:
        try:
            drawn = list(pool.map(draw, places))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    names = tuple(name for name, _ in drawn)
    return names, next((fault for _, fault in drawn if fault), "")
