"""Results of images with known numbers of defects, for tests of the page of results."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.postprocessing.results import Region
from napari_stem_defects.reporting.results_page.data import (
    ReportedFrame,
    ReportedImage,
    ReportedResults,
)
from napari_stem_defects.statistics.rates import Accuracy

NM, SHAPE = 0.1, (200, 200)
CLASSES = (
    DefectClass("Vacancy", "point", "vacancy", "#cc2244"),
    DefectClass("Fault", "line", "fault", "#2255cc"),
)


def point(y: float, x: float, number: int, frame: int = 0, nm: float | None = NM) -> Region:
    size = nm or 0.0
    return Region(
        image="lamella",
        frame=frame,
        class_name="Vacancy",
        region=number,
        y_px=y,
        x_px=x,
        y_nm=None if nm is None else y * size,
        x_nm=None if nm is None else x * size,
        area_px=9,
        area_nm2=None if nm is None else 9 * size**2,
        length_nm=None if nm is None else 3 * size,
        mean_probability=0.8,
        max_probability=0.9,
    )


def line(x: float, length_px: float, number: int, frame: int = 0, top: float = 60.0) -> Region:
    return Region(
        image="lamella",
        frame=frame,
        class_name="Fault",
        region=number,
        y_px=top + length_px / 2,
        x_px=x,
        y_nm=(top + length_px / 2) * NM,
        x_nm=x * NM,
        area_px=int(9 * length_px),
        area_nm2=9 * length_px * NM**2,
        length_nm=length_px * NM,
        mean_probability=0.8,
        max_probability=0.9,
        kind="line",
        centre_line=((top, x), (top + length_px, x)),
    )


def image(
    name: str = "lamella",
    *,
    group: str = "out",
    points: int = 12,
    frames: int = 1,
    nm: float | None = NM,
    seed: int = 0,
    accuracy: bool = True,
) -> ReportedImage:
    """Return an image of 20 x 20 nm with random vacancies and two faults in each frame."""
    generator = np.random.default_rng(seed)
    searched = np.ones(SHAPE, bool)
    found = []
    for index in range(frames):
        places = generator.uniform(1, 199, (points, 2))
        regions = [point(y, x, n + 1, index, nm) for n, (y, x) in enumerate(places)]
        if nm is not None:
            regions += [line(50, 60, 1, index), line(120, 80, 2, index, top=0.0)]
        found.append(ReportedFrame(index, tuple(regions), searched.size, searched))
    summary = {
        "image": {
            "name": name,
            "frame_shape": list(SHAPE),
            "pixel_size_source": "file",
            "notes": [],
        },
        "model": {"name": "small", "sha256": "ab" * 32},
        "parameters": {"stride_px": 8, "thresholds": {"Vacancy": 0.5, "Fault": 0.2}},
        "counts": {"Vacancy": points * frames, "Fault": 2 * frames},
        "versions": {"napari-stem-defects": "0.1.0", "python": "3.12"},
        "unknown_fraction": 0.01,
    }
    measured = {"Vacancy": Accuracy(90, 10, 30, "40 scenes")} if accuracy else {}
    return ReportedImage(name, group, name, summary, tuple(found), CLASSES, nm, measured)


def results(images: int = 1, **options: object) -> ReportedResults:
    """Return the results of some images with 12 vacancies each."""
    return ReportedResults(
        tuple(image(f"image_{n}", seed=n, **options) for n in range(images))  # type: ignore[arg-type]
    )
