"""Results of the frames of an image, of a detection or of an opened folder, and what they show."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import colours_of
from napari_stem_defects.base.lengths import format_found, format_none
from napari_stem_defects.detection.frame_result import FrameResult, total_searched_nm2
from napari_stem_defects.detection.model_choice import NOT_RECOGNISED
from napari_stem_defects.errors import ReadError
from napari_stem_defects.napari_plugin.panels.common.survey_action import SURVEY_TEXT
from napari_stem_defects.postprocessing.regions import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.jobs.opened_result import OpenedResult
    from napari_stem_defects.postprocessing.result_totals import ClassTotal
    from napari_stem_defects.postprocessing.results import Region

_OTHER_KINDS = f"{SURVEY_TEXT} shows defects of other kinds"
_UNFINISHED = "cancelled; the result shown is not complete"
_KEPT = 16
"""Frames of an opened stack that are held in memory; the others are read again."""


class FrameResults(MutableMapping[int, FrameResult]):
    """The result of each frame by its index; those of an opened folder are read when needed.

    Attributes
    ----------
    opened : OpenedResult or None
        The opened folder, if the results come from one.
    """

    def __init__(self) -> None:
        self.opened: OpenedResult | None = None
        self._loaded: OrderedDict[int, FrameResult] = OrderedDict()
        self._regions: dict[int, tuple[Region, ...]] = {}

    def open(self, opened: OpenedResult) -> None:
        """Replace all results by those of a folder."""
        self.clear()
        self.opened = opened
        self._regions = {frame: opened.regions(frame) for frame in opened.frames}

    def clear(self) -> None:
        """Remove all results; those of a folder are closed."""
        self.opened = None
        self._loaded.clear()
        self._regions.clear()

    def __getitem__(self, frame: int) -> FrameResult:
        """Return the result of a frame, read from its folder if necessary."""
        if frame in self._loaded:
            self._loaded.move_to_end(frame)
        elif self.opened is not None and frame in self._regions:
            self._put(frame, self.opened.frame_result(frame))
        return self._loaded[frame]

    def get(self, frame: int, default: Any = None) -> Any:
        """Return the result of a frame, or the default if there is none that can be read."""
        try:
            return self[frame]
        except (KeyError, ReadError):
            return default

    def __setitem__(self, frame: int, result: FrameResult) -> None:
        """Set the result of a frame."""
        self._put(frame, result)
        self._regions[frame] = result.regions

    def __delitem__(self, frame: int) -> None:
        """Remove the result of a frame."""
        del self._regions[frame]
        self._loaded.pop(frame, None)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the frames that have a result."""
        return iter(tuple(self._regions))

    def __len__(self) -> int:
        """Return the number of frames that have a result."""
        return len(self._regions)

    def __contains__(self, frame: object) -> bool:
        """Return whether a frame has a result, without reading it."""
        return frame in self._regions

    def loaded(self) -> list[FrameResult]:
        """Return the results held in memory: all of a detection, some of an opened folder."""
        return list(self._loaded.values())

    def first(self) -> FrameResult | None:
        """Return the result of any frame; None without results."""
        if self._loaded:
            return next(iter(self._loaded.values()))
        return next((self.get(frame) for frame in self), None)

    # What they show

    def regions(self) -> list[Region]:
        """Return the regions of all frames."""
        return [region for regions in self._regions.values() for region in regions]

    def colours(self) -> dict[str, str]:
        """Return the colour of every class."""
        first = self.first()
        return colours_of(first.map.class_data) if first else {}

    def counts(self) -> dict[str, ClassTotal]:
        """Return count, area and length of every class over all frames."""
        first = self.first()
        return dict(totals(self.regions(), first.names)) if first else {}

    def searched_nm2(self) -> float | None:
        """Return the area that was searched, nm²; None if it is not known."""
        if self.opened is not None:
            return self.opened.searched_nm2
        return total_searched_nm2(self._loaded.values())

    def summary(self) -> str:
        """Return number and density of each class, or why none is named, in one line."""
        stated = [str(each.parameters.get("recognition") or "") for each in self._loaded.values()]
        fitting = [each for each in stated if not each.startswith(NOT_RECOGNISED)]
        reason = next(filter(None, fitting or stated), "")
        if reason.startswith(NOT_RECOGNISED):
            return reason
        first = self.first()
        kinds = first.map.class_table if first else {}
        where = "" if len(self) == 1 else f" in {len(self)} frames"
        area = self.searched_nm2()
        counts = ", ".join(
            format_found(total.count, name, kinds[name].kind, area, total.length_nm)
            for name, total in self.counts().items()
            if total.count
        )
        found = f"{counts or format_none(kinds)}{where}"
        rest = (reason, "" if counts else _OTHER_KINDS)
        return " · ".join(filter(None, (found, *rest)))

    def describe_cancelled(self, requested: int) -> str:
        """Return what a cancelled run has left, in one line; "" if it was complete or left nothing.

        Parameters
        ----------
        requested : int
            Number of frames that were to be searched.
        """
        finished = sum(each.finished for each in self._loaded.values())
        if not self._loaded or finished == requested:
            return ""
        if requested == 1:
            return _UNFINISHED
        return f"cancelled after {finished} of {requested} frames · {self.summary()}"

    # Values at a position

    def probabilities_at(self, frame: int, y: float, x: float) -> dict[str, float] | None:
        """Return the probabilities of the window nearest to a position.

        Parameters
        ----------
        frame : int
        y, x : float
            Position in px of the image.

        Returns
        -------
        dict or None
            Probability of every class; None if that position was not searched.
        """
        result = self.get(frame)
        if result is None or not result.map.valid.any():
            return None
        height, width = result.numbered.shape[1:]
        if not (-0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5):
            return None
        if result.invalid is not None and result.invalid[round(y), round(x)]:
            return None
        row, column = abs(result.map.y - y).argmin(), abs(result.map.x - x).argmin()
        values = result.map.probability[:, row, column]
        return dict(zip(result.map.classes, map(float, values), strict=True))

    def region_at(self, frame: int, y: float, x: float) -> Region | None:
        """Return the region at a position (px); of several, point defects have priority."""
        result = self.get(frame)
        if result is None:
            return None
        row, column = round(y), round(x)
        height, width = result.numbered.shape[1:]
        if not (0 <= row < height and 0 <= column < width):
            return None
        numbers = dict(zip(result.names, result.numbered[:, row, column], strict=True))
        listed = self._regions.get(frame, result.regions)
        here = [each for each in listed if numbers.get(each.class_name) == each.region]
        return min(here, key=lambda r: (r.kind != "point", r.area_px), default=None)

    def _put(self, frame: int, result: FrameResult) -> None:
        self._loaded[frame] = result
        self._loaded.move_to_end(frame)
        if self.opened is not None and len(self._loaded) > _KEPT:
            self._loaded.popitem(last=False)
