"""What a page of results is made of: images, their regions and what was searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN, DefectClass
from napari_stem_defects.statistics.point_pattern import PointPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import Region
    from napari_stem_defects.statistics.rates import Accuracy


@dataclass(frozen=True)
class ReportedFrame:
    """One frame of an image.

    Attributes
    ----------
    index : int
        Index of the frame in its stack.
    regions : tuple of Region
        The defects.
    searched_px : int
        Number of pixels that were searched: valid, inside the search area, and not unknown.
    searched : ndarray of bool, shape (Y, X)
        Where, sampled every ``step`` px.
    step : int
        Distance of the samples in px.
    """

    index: int
    regions: tuple[Region, ...]
    searched_px: int
    searched: NDArray[np.bool_]
    step: int = 1

    def pattern(self, class_name: str, pixel_size_nm: float) -> PointPattern:
        """Return the positions of the defects of a class, in nm.

        Parameters
        ----------
        class_name : str
        pixel_size_nm : float

        Returns
        -------
        PointPattern
        """
        places = [_place(each) for each in self.regions if each.class_name == class_name]
        points = (np.array(places, float).reshape(-1, 2) + 0.5) * pixel_size_nm
        return PointPattern(points, self.searched, pixel_size_nm * self.step)


def _place(region: Region) -> tuple[float, float]:
    """Return the measured site of a defect, or its centroid where none was measured."""
    if region.site_y_px is None or region.site_x_px is None:
        return region.y_px, region.x_px
    return region.site_y_px, region.site_x_px


@dataclass(frozen=True)
class ReportedImage:
    """The result of one image or stack.

    Attributes
    ----------
    name : str
        Name of the image.
    group : str
        The group it is counted with, such as the folder given.
    folder : str
        Name of its result folder.
    summary : mapping
        Content of ``summary.json``.
    frames : tuple of ReportedFrame
        The frames searched.
    classes : tuple of DefectClass
        The defect classes of the model.
    pixel_size_nm : float or None
    accuracy : mapping of str to Accuracy
        Measured precision and recall of classes; those that were not measured are missing.
    picture : bytes
        The overview as JPEG; empty if there is none.
    independent_frames : bool
        Whether the frames show different places.
    """

    name: str
    group: str
    folder: str
    summary: Mapping[str, Any]
    frames: tuple[ReportedFrame, ...]
    classes: tuple[DefectClass, ...]
    pixel_size_nm: float | None
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    picture: bytes = b""
    independent_frames: bool = False

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.summary["model"].get("name", ""))

    @property
    def model_sha256(self) -> str:
        """Hash of the weights of the model."""
        return str(self.summary["model"].get("sha256", ""))

    @property
    def defects(self) -> tuple[DefectClass, ...]:
        """The classes that are counted."""
        return tuple(each for each in self.classes if each.name not in (BULK, UNKNOWN))

    @property
    def searched_nm2(self) -> float | None:
        """Area searched in one frame on average, or in all frames that show different places."""
        if self.pixel_size_nm is None:
            return None
        pixels = sum(frame.searched_px for frame in self.frames)
        return pixels * self.pixel_size_nm**2 / self.repeats

    @property
    def repeats(self) -> int:
        """How many frames show the same place."""
        return 1 if self.independent_frames else max(1, len(self.frames))

    def regions_of(self, class_name: str) -> tuple[Region, ...]:
        """Return the defects of a class in all frames.

        Parameters
        ----------
        class_name : str

        Returns
        -------
        tuple of Region
        """
        return tuple(
            each for frame in self.frames for each in frame.regions if each.class_name == class_name
        )


@dataclass(frozen=True)
class ReportedSurvey:
    """The survey of one image.

    Attributes
    ----------
    name, group : str
        Of the image, and of its group.
    statement : str
        What the survey found, in one sentence.
    counts : mapping of str to int
        Number of unusual points, lines and areas.
    picture : bytes
        The overview as JPEG; empty if there is none.
    """

    name: str
    group: str
    statement: str
    counts: Mapping[str, int]
    picture: bytes = b""


@dataclass(frozen=True)
class ReportedResults:
    """Everything that a page reports.

    Attributes
    ----------
    images : tuple of ReportedImage
    surveys : tuple of ReportedSurvey
    faults : tuple of str
        Folders that could not be read, one line each.
    """

    images: tuple[ReportedImage, ...]
    surveys: tuple[ReportedSurvey, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def repeated(self) -> list[list[str]]:
        """Folders of results of one image within a group, where it counts several times."""
        found: dict[tuple[str, str], list[str]] = {}
        for image in self.images:
            if sha256 := str(image.summary["image"].get("sha256") or ""):
                found.setdefault((image.group, sha256), []).append(image.folder)
        return [folders for folders in found.values() if len(folders) > 1]

    @property
    def class_table(self) -> Mapping[str, DefectClass]:
        """The classes of all images by name, those that were found or not, in their order."""
        found: dict[str, DefectClass] = {}
        for image in self.images:
            for each in image.defects:
                found.setdefault(each.name, each)
        return found

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in their order."""
        return tuple(dict.fromkeys(image.group for image in self.images))
