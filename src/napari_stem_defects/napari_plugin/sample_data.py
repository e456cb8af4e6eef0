"""Sample data: simulated micrographs with the ground truth of their defects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import default_class
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    LayerData,
    calibration_keywords,
    image_layer,
    layer_name,
)
from napari_stem_defects.simulation.any_lattice import MotifColumn, make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from napari_stem_defects.simulation.simulate import Simulation

_UNKNOWN_SHAPE = (640, 640)
_POINT_NM = 0.6
"""Diameter of the rings around point defects in nm."""


def simulated_cdte() -> list[LayerData]:
    """Return CdTe [110] with stacking faults, a junction, a twin, vacancies and interstitials.

    Returns
    -------
    list of (data, keywords, kind)
        An image, a labels and a points layer.
    """
    return _layers(simulate("cdte-110"))


def simulated_sto() -> list[LayerData]:
    """Return SrTiO3 [001] with extra, interstitial and missing columns.

    Returns
    -------
    list of (data, keywords, kind)
        An image, a labels and a points layer.
    """
    return _layers(simulate("sto-001"))


def simulated_unknown_crystal() -> list[LayerData]:
    """Return a crystal of an oblique lattice that no model knows, uncalibrated.

    It has a stacking fault, missing columns and columns that are too bright.

    Returns
    -------
    list of (data, keywords, kind)
        An image layer.
    """
    motif = (MotifColumn(0.0, 0.0, 1.0), MotifColumn(0.42, 0.5, 0.6))
    crystal = make_crystal("oblique", 15.0, rotation_deg=12, ratio=1.2, angle_deg=80, motif=motif)
    defects = (
        LatticeDefect("fault", "fault", amount=0.5, direction=(1, 0)),
        LatticeDefect("missing", "missing", count=12),
        LatticeDefect("exchanged", "bright", amount=1.6, count=9),
    )
    scene = LatticeScene(crystal, defects, LatticeImaging(dose=40.0), _UNKNOWN_SHAPE)
    return [image_layer(simulate_lattice(scene, seed=7).micrograph("unknown crystal"))]


def _layers(simulation: Simulation) -> list[LayerData]:
    """Return the image and the ground truth: a labels layer of all classes, a points layer."""
    return [image_layer(simulation.micrograph), _mask_labels(simulation), _points(simulation)]


def _mask_labels(simulation: Simulation) -> LayerData:
    """Return the masks of all classes in one layer; where two overlap, the rarer is on top."""
    names = sorted(simulation.masks, key=lambda name: -int(simulation.masks[name].sum()))
    numbered = np.zeros(simulation.micrograph.frame_shape, np.uint8)
    for number, name in enumerate(names, start=1):
        numbered[simulation.masks[name]] = number
    colours: dict[int | None, str] = {0: "transparent", None: "transparent"}
    colours |= {number: default_class(name).colour for number, name in enumerate(names, start=1)}
    keywords = _keywords(simulation, "truth") | {
        "colormap": colours,
        "opacity": 0.4,
        "features": {
            "index": [0, *range(1, len(names) + 1)],
            "class": ["", *names],
            "title": ["", *(default_class(name).title for name in names)],
        },
    }
    return numbered, keywords, "labels"


def _points(simulation: Simulation) -> LayerData:
    names = [point.class_name for point in simulation.points]
    positions = np.array([(point.y_px, point.x_px) for point in simulation.points])
    size_nm = simulation.micrograph.pixel_size_nm or 1.0
    keywords = _keywords(simulation, "true points") | {
        "features": {"class": names},
        "border_color": [default_class(name).colour for name in names],
        "face_color": "transparent",
        "size": _POINT_NM / size_nm,
        "visible": False,
    }
    return positions.reshape(-1, 2), keywords, "points"


def _keywords(simulation: Simulation, what: str) -> dict[str, Any]:
    micrograph = simulation.micrograph
    return calibration_keywords(micrograph.pixel_size_nm) | {
        "name": layer_name(micrograph.name, what),
        "metadata": {METADATA_KEY: {"made": "simulation"}},
    }
