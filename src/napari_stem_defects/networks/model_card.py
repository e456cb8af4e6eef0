"""Model card: the description of an ensemble as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.networks.architecture import finds_spots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.networks.spec import EnsembleSpec


def model_card(spec: EnsembleSpec, sha256: str, *, data: str, limits: str) -> str:
    """Return the model card of an ensemble.

    Parameters
    ----------
    spec : EnsembleSpec
        Its ``figures`` hold evaluations by name, for example of a split.
    sha256 : str
        Hash of the weights.
    data, limits : str
        Training data and known limits of the ensemble, in Markdown.

    Returns
    -------
    str
        Markdown text.
    """
    lines = [
        f"# {spec.name}",
        "",
        spec.description,
        "",
        "| | |",
        "|---|---|",
        f"| classes | {', '.join(map(_describe_class, spec.class_data))} |",
        f"| members per class | {len(spec.seeds)}, seeds {', '.join(map(str, spec.seeds))} |",
        f"| input of the networks | {describe_input(spec)} |",
        f"| pixel size | {describe_scale(spec)} |",
        f"| lattice | {describe_lattice(spec)} |",
        f"| weights | sha256 {sha256} |",
        f"| versions | {', '.join(f'{name} {value}' for name, value in spec.versions.items())} |",
        f"| licence | {spec.licence} |",
        "",
        "## Data",
        "",
        data,
        "",
        "## Figures",
    ]
    for name, figures in spec.figures.items():
        lines += ["", f"{name}:", "", *_table(figures)]
    return "\n".join([*lines, "", "## Limits", "", limits, ""])


def describe_lattice(spec: EnsembleSpec) -> str:
    """Describe the lattice that an ensemble knows.

    Parameters
    ----------
    spec : EnsembleSpec

    Returns
    -------
    str
        Angle and ratio of the base vectors, and the spacing where it is known.
    """
    geometry = spec.lattice_geometry
    if geometry is None:
        return "unknown: not chosen automatically"
    text = geometry.describe(spec.pixel_size_nm or geometry.spacing_nm)
    crystal = f"{geometry.crystal}: " if geometry.crystal else ""
    limits = f"(± {geometry.angle_tolerance_deg:g} degrees, ± {geometry.ratio_tolerance:g})"
    return f"{crystal}{text} {limits}"


def _table(figures: Mapping[str, Any]) -> list[str]:
    rows = [
        "| class | windows with / without | precision | recall | false positives | ECE |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in figures["classes"].items():
        present, absent = found["tp"] + found["fn"], found["tn"] + found["fp"]
        error = found["calibration_error"]
        rows.append(
            f"| {name} | {present} / {absent} | {_rate(found, 'precision')} |"
            f" {_rate(found, 'recall')} | {found['fp']} | {_number(error)} |"
        )
    return rows


def _rate(figures: Mapping[str, Any], name: str) -> str:
    if figures[name] is None:
        return "-"
    low, high = figures[f"{name}_interval"]
    return f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def describe_scale(spec: EnsembleSpec) -> str:
    """Describe the pixel size to which images are resampled.

    Parameters
    ----------
    spec : EnsembleSpec

    Returns
    -------
    str
    """
    sizes = spec.matched_filters if spec.is_quick else None
    if sizes is not None and sizes.window_px is not None:
        length = sizes.window_px if sizes.window_nm is None else sizes.window_nm
        unit = "px" if sizes.window_nm is None else "nm"
        return f"spots without a lattice, in a window of {length:.3g} {unit}"
    if spec.sees_residual:
        return "any: images are resampled to their own lattice period"
    return "unknown" if spec.pixel_size_nm is None else f"{spec.pixel_size_nm} nm"


def describe_input(spec: EnsembleSpec) -> str:
    """Describe what a model sees of an image.

    Parameters
    ----------
    spec : EnsembleSpec

    Returns
    -------
    str
    """
    if finds_spots(spec.architecture):
        return f"whitened background, {spec.matched_filters.samples:g} samples per window"
    if spec.is_quick:
        sizes = spec.matched_filters
        samples = sizes.samples * (sizes.units or 1)
        return f"lattice residual, {samples:.4g} samples per lattice period"
    settings = spec.preprocessing
    named = {
        "real": "filtered pixels",
        "fft": f"FFT magnitude ({settings.window} window)",
        "residual": "lattice residual",
    }
    features = " and ".join(named[part] for part in settings.representation.split("+"))
    return f"{features} of patches of {both_units(settings.patch_px, spec.pixel_size_nm)}"


def _describe_class(entry: DefectClass) -> str:
    return f"{entry.name} ({', '.join(filter(None, (entry.own_title, entry.kind)))})"
