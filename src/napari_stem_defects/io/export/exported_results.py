"""Result folders as what other programs draw: shapes, numbers and the image, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_stem_defects.base.defect_classes import (
    UNKNOWN,
    DefectClass,
    class_table,
    complete_classes,
)
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.export.region_pixels import line_pixels, number_pixels
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.image_file import (
    find_image_file,
    image_file_name,
    is_image_file,
)
from napari_stem_defects.io.results.json_file import read_json, read_or_report
from napari_stem_defects.io.results.read_results import read_regions_with_lines
from napari_stem_defects.io.results.report_sources import find_summaries
from napari_stem_defects.io.results.result_folder import MASKS
from napari_stem_defects.io.results.survey_folder import SURVEY
from napari_stem_defects.postprocessing.outlines import Polygon, trace_outlines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.results import Region


@dataclass(frozen=True)
class ExportedFrame:
    """The regions of one frame.

    Attributes
    ----------
    index : int
        Index of the frame in its stack.
    regions : tuple of Region
        All of the table.
    masks : mapping of str to ndarray of uint8, shape (Y, X)
        By class, ``unknown`` included.
    """

    index: int
    regions: tuple[Region, ...]
    masks: Mapping[str, NDArray[np.uint8]]

    def numbered(self, name: str) -> NDArray[np.int32]:
        """Return the region numbers of a class; of ``unknown``, the pixels that are no region."""
        if name == UNKNOWN:
            return self.masks[name].astype(np.int32)
        return number_pixels(self.masks[name], self.regions_of(name))

    def regions_of(self, name: str) -> tuple[Region, ...]:
        """Return the regions of a class."""
        return tuple(each for each in self.regions if each.class_name == name)

    def outlines(
        self, chosen: Callable[[Region], bool]
    ) -> Iterator[tuple[Region, tuple[Polygon, ...]]]:
        """Yield the chosen regions with their outlines; those without pixels have none."""
        for name in self.masks:
            regions = [each for each in self.regions_of(name) if chosen(each)]
            if not regions:
                continue
            if name == UNKNOWN:
                for region in regions:
                    inside, origin = line_pixels(self.masks[name], region)
                    found = trace_outlines(inside.astype(np.int32)).get(1, ())
                    yield region, tuple(each.moved(origin) for each in found)
                continue
            outlines = trace_outlines(self.numbered(name))
            for region in regions:
                yield region, outlines.get(region.region, ())


@dataclass(frozen=True)
class ExportedImage:
    """The result of one image or stack.

    Attributes
    ----------
    folder : Path
        The result folder.
    summary : mapping
        Its ``summary.json``.
    """

    folder: Path
    summary: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the image."""
        return str(self.summary["image"]["name"])

    @property
    def file_name(self) -> str:
        """File name of the image, or its name where it was no file."""
        path = self.summary["image"].get("path")
        return image_file_name(str(path)) if path else self.name

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame in px."""
        height, width = self.summary["image"]["frame_shape"]
        return int(height), int(width)

    @property
    def pixel_size_nm(self) -> float | None:
        """Edge of a pixel in nm."""
        size = self.summary["image"]["pixel_size_nm"]
        return None if size is None else float(size)

    @property
    def frame_indices(self) -> tuple[int, ...]:
        """Indices of the frames that were searched."""
        return tuple(int(frame["frame"]) for frame in self.summary["frames"])

    @property
    def frame_count(self) -> int:
        """Number of frames of the image, those that were not searched included."""
        return int(self.summary["image"].get("frame_count", len(self.frame_indices)))

    @property
    def mask_names(self) -> tuple[str, ...]:
        """Names of the masks, ``unknown`` last."""
        return tuple(map(str, self.summary["planes"]))

    @cached_property
    def classes(self) -> Mapping[str, DefectClass]:
        """The classes of the masks and of ``unknown`` by name."""
        given = tuple(DefectClass(**each) for each in self.summary.get("classes", ()))
        names = [name for name in self.mask_names if name != UNKNOWN]
        return class_table(complete_classes(names, given))

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The regions of all frames, with centre lines."""
        return read_regions_with_lines(self.folder, self.summary)

    def frames(self) -> Iterator[ExportedFrame]:
        """Yield the frames; the masks of one are in memory at a time.

        Raises
        ------
        ReadError
            The masks are missing or damaged.
        """
        by_frame: dict[int, list[Region]] = {}
        for region in self.regions:
            by_frame.setdefault(region.frame, []).append(region)
        for place, index in enumerate(self.frame_indices):
            regions = tuple(by_frame.get(index, ()))
            yield ExportedFrame(index, regions, self._masks(place))

    def _masks(self, place: int) -> dict[str, NDArray[np.uint8]]:
        names, count = self.mask_names, len(self.frame_indices)

        def load(path: Path) -> dict[str, NDArray[np.uint8]]:
            with tifffile.TiffFile(path) as file:
                pages = file.series[0].pages
                if len(pages) != count * len(names):
                    raise ValueError(f"{len(pages)} planes, not {count * len(names)}")
                found = {}
                for number, name in enumerate(names):
                    page = pages[place * len(names) + number]
                    if page is None or page.shape != self.shape:
                        raise ValueError("a plane is not of {}x{} px".format(*self.shape))
                    found[name] = page.asarray()
                return found

        return read_or_report(load, self.folder / MASKS)

    def read_image(self, read: Callable[..., Micrograph], given: Path | None) -> Micrograph:
        """Read the image of the result.

        Parameters
        ----------
        read : callable
            Reads a file.
        given : Path or None
            The image, or a folder that contains it; by default it is where it was, or near the
            result (see `find_image_file`).

        Returns
        -------
        Micrograph
            The image that was searched, by its hash.

        Raises
        ------
        InputError
            It is not found, cannot be read, or is another image.
        """
        path = self._find_image(given)
        # Of a file with several signals, the one that was searched.
        signal = self.summary["image"].get("signal")
        micrograph = read(path, signal=signal) if signal else read(path)
        wanted = self.summary["image"]["sha256"]
        if micrograph.sha256 != wanted or micrograph.frame_shape != self.shape:
            fault = f"is not the image of the result {self.folder.name}"
            raise InputError(one_line(path, fault, "give its image with --images"))
        return micrograph

    def _find_image(self, given: Path | None) -> Path:
        if given is None:
            found = find_image_file(self.folder, self.summary["image"].get("path"))
        else:
            found = given if is_image_file(given) else given / self.file_name
        if found is not None and is_image_file(found):
            return found
        fault = f"its image {self.file_name} is not found"
        advice = "give it, or its folder, with --images; the other formats do without it"
        raise InputError(one_line(self.folder, fault, advice))


def read_results_to_export(folders: Sequence[Path]) -> tuple[list[ExportedImage], list[str]]:
    """Find the results in some folders.

    Parameters
    ----------
    folders : sequence of Path
        Result folders, or folders that contain some.

    Returns
    -------
    list of ExportedImage
        In the order of the folders; nothing but the summaries is read.
    list of str
        One line for each folder that holds none.

    Raises
    ------
    InputError
        None of the folders holds a result of a detection.
    """
    found, faults, seen = list[ExportedImage](), list[str](), set[Path]()
    for folder in folders:
        paths = list(find_summaries(folder))
        if not paths:
            advice = "give a folder that `stem-defects detect` wrote"
            fault = "holds no result" if folder.is_dir() else "there is no such folder"
            faults.append(one_line(folder, fault, advice))
        for path in paths:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            try:
                found.append(_read(path.parent))
            except InputError as error:
                faults.append(str(error))
    if not found:
        raise InputError(faults[0] if faults else "no folder given; name a folder of results")
    return found, faults


def _read(folder: Path) -> ExportedImage:
    summary = read_json(folder / SUMMARY)
    if summary.get("result") == SURVEY:
        fault = "is a survey, which names no defects"
        raise ReadError(one_line(folder, fault, "its places are in survey.csv"))
    if "fingerprint" not in summary:
        fault = "is not a result summary"
        raise ReadError(one_line(folder / SUMMARY, fault, "choose a result folder"))
    image = ExportedImage(folder, summary)
    try:
        about = (image.name, image.shape, image.pixel_size_nm, image.frame_indices, image.classes)
        str(summary["image"]["sha256"]), str(summary["model"]["name"]), len(about)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fault = f"is damaged ({error})"
        raise ReadError(one_line(folder / SUMMARY, fault, "run the detection again")) from error
    return image
