"""Settings of one run of the detection in the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.detection.contrast import ContrastChoice
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.frame_input import FrameInput


@dataclass(frozen=True)
class DetectRequest:
    """Settings of one run of the detection.

    Attributes
    ----------
    name : str
        Name of the image.
    read_frame : callable
        Returns a frame by its index; raises `InputError` if the image was deleted.
    read_image : callable
        Returns the image with all its frames, for the result files.
    frames : sequence of int
        Frames to search, in order.
    model : ModelEntry
    stride : int
        Step of the sliding window in px at the pixel size of the model.
    device, contrast : str
        As in `DetectArguments`.
    area : SearchArea or None
        Part of the image to search; None for the whole image.
    searched : str
        Description of that part, to show to the user.
    choice : str
        Why the model was chosen automatically; "" if the user chose it.
    """

    name: str
    read_frame: Callable[[int], FrameInput]
    read_image: Callable[[], FrameInput]
    frames: Sequence[int]
    model: ModelEntry
    stride: int
    device: str = "auto"
    area: SearchArea | None = None
    searched: str = "all of the image"
    choice: str = ""
    contrast: ContrastChoice = "auto"

    @property
    def part_searched(self) -> str:
        """What follows in a message if a part of the image is searched; else ""."""
        return "" if self.area is None else f" · searched {self.searched}"
