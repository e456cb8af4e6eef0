"""What ``summary.json`` says about a result: who made it, of what, with what, and what came out."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.version import __version__
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.postprocessing.regions import totals
from napari_stem_defects.postprocessing.results import (
    Findings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.results import Region

CORRECTIONS = "corrections"
"""Entry of a frame's parameters, and of the summary: what a person corrected before exporting."""

_LIBRARIES = ("numpy", "scipy", "scikit-image", "torch")


def findings_of(abouts: Sequence[Mapping[str, Any]], regions: Sequence[Region]) -> Findings:
    """Add up what the frames of a result tell about themselves."""
    names = abouts[0]["mask_names"]
    pixels = np.prod(abouts[0]["frame_shape"], dtype=np.int64) * len(abouts)
    shares = np.sum([about["mask_px"] for about in abouts], axis=0) / pixels
    return Findings(
        totals=totals(regions, names),
        fractions=dict(zip(names, map(float, shares), strict=True)),
        called=float(np.mean([about["called"] for about in abouts])),
        pixel_size_source=str(abouts[0]["parameters"].get("pixel_size_source", "")),
        frames=len(abouts),
    )


def summary_of(
    abouts: Sequence[Mapping[str, Any]],
    findings: Findings,
    micrograph: Micrograph,
    model: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the summary as plain data, from what the frames tell about themselves."""
    first = abouts[0]
    return {
        "image": {
            "name": micrograph.name,
            "path": None if micrograph.path is None else str(micrograph.path),
            "sha256": micrograph.sha256,
            "frame_shape": list(micrograph.frame_shape),
            "frame_count": micrograph.frame_count,
            "pixel_size_nm": first["pixel_size_nm"],
            "pixel_size_source": findings.pixel_size_source or micrograph.pixel_size_source,
            "notes": list(micrograph.notes),
        },
        "model": plain(model),
        "parameters": first["parameters"],
        CORRECTIONS: [
            each for about in abouts for each in about["parameters"].get(CORRECTIONS, ())
        ],
        "planes": first["mask_names"],
        "counts": {name: total.count for name, total in findings.totals.items()},
        "lengths_nm": {name: total.length_nm for name, total in findings.totals.items()},
        "areas_nm2": {name: total.area_nm2 for name, total in findings.totals.items()},
        "area_fractions": {
            name: share for name, share in findings.fractions.items() if name != UNKNOWN
        },
        "unknown_fraction": findings.fractions[UNKNOWN],
        "called_fraction": findings.called,
        "frames": [_frame_summary(about) for about in abouts],
        "seconds": sum(about["seconds"] for about in abouts),
        "versions": _versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def provenance_of(
    about: Mapping[str, Any], micrograph: Micrograph, model: Mapping[str, Any]
) -> dict[str, str]:
    """Return in short what a frame's planes were made of and with, as text."""
    return {
        "model": str(model.get("name", "")),
        "model_sha256": str(model.get("sha256", "")),
        "image": micrograph.path.name if micrograph.path else micrograph.name,
        "image_sha256": micrograph.sha256,
        "parameters": json.dumps(about["parameters"]),
        "version": __version__,
    }


def _frame_summary(about: Mapping[str, Any]) -> dict[str, Any]:
    names = [region["class_name"] for region in about["regions"]]
    found = {name: names.count(name) for name in about["mask_names"] if name != UNKNOWN}
    return {"frame": about["frame"], "seconds": about["seconds"], "counts": found}


def _versions() -> dict[str, str | None]:
    """Name what made the result, from the installed packages' records: nothing is imported."""
    found: dict[str, str | None] = {"napari-stem-defects": __version__}
    found["python"] = platform.python_version()
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = None
    return found
