"""The methods paragraph of a page of results, with its formulas and references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.base.version import __version__
from napari_stem_defects.reporting.results_page.html import element
from napari_stem_defects.reporting.results_page.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_stem_defects.reporting.results_page.data import ReportedImage
    from napari_stem_defects.reporting.results_page.html import Markup

REFERENCES = {
    "program": f"napari-stem-defects {__version__} (BSD-3-Clause).",
    "rogan": "W. J. Rogan, B. Gladen, “Estimating prevalence from the results of a screening"
    " test”, Am. J. Epidemiol. 107, 71 (1978).",
    "feuer": "M. P. Fay, E. J. Feuer, “Confidence intervals for directly standardized rates: a"
    " method based on the gamma distribution”, Stat. Med. 16, 791 (1997).",
    "kim": "M. P. Fay, S. Kim, “Confidence intervals for directly standardized rates using mid-p"
    " gamma intervals”, Biom. J. 59, 377 (2017).",
    "melded": "M. P. Fay, M. A. Proschan, E. Brittain, “Combining one-sample confidence"
    " procedures for inference in the two-sample case”, Biometrics 71, 146 (2015).",
    "clopper": "C. J. Clopper, E. S. Pearson, “The use of confidence or fiducial limits"
    " illustrated in the case of the binomial”, Biometrika 26, 404 (1934).",
    "ohser": "J. Ohser, D. Stoyan, “On the second-order and orientation analysis of planar"
    " stationary point processes”, Biom. J. 23, 523 (1981).",
    "hanisch": "K.-H. Hanisch, “Some remarks on estimators of the distribution function of nearest"
    " neighbour distance in stationary spatial point processes”, Math. Operationsforsch. Stat."
    " 15, 409 (1984).",
    "clark": "P. J. Clark, F. C. Evans, “Distance to nearest neighbor as a measure of spatial"
    " relationships in populations”, Ecology 35, 445 (1954).",
}
"""Works that the paragraph cites, by a key."""

_SOURCES = {"lattice": "lattice, taken for that of the model's crystal"}
_ALWAYS = ("program", "feuer", "kim")
_ACCURACY = ("rogan", "clopper", "melded")
_ARRANGEMENT = ("ohser", "hanisch", "clark")


def cited(*, has_accuracy: bool, has_comparison: bool, has_arrangement: bool) -> tuple[str, ...]:
    """Return the keys of the references that a page cites, in their order.

    Parameters
    ----------
    has_accuracy, has_comparison, has_arrangement : bool
        What the page contains.

    Returns
    -------
    tuple of str
    """
    keys = list(_ALWAYS)
    if has_accuracy:
        keys += _ACCURACY
    elif has_comparison:
        keys.append("melded")
    return (*keys, *(_ARRANGEMENT if has_arrangement else ()))


def methods_paragraphs(images: Sequence[ReportedImage], keys: Sequence[str]) -> list[str]:
    """Return the methods text, ready to be pasted into a manuscript.

    Parameters
    ----------
    images : sequence of ReportedImage
        At least one.
    keys : sequence of str
        Result of `cited`.

    Returns
    -------
    list of str
        Paragraphs of plain text; numbers in brackets are those of the references.
    """
    numbers = {key: place for place, key in enumerate(keys, start=1)}
    return [_detection(images, numbers), _statistics(numbers)]


def references_list(keys: Sequence[str]) -> Markup:
    """Return the list of references.

    Parameters
    ----------
    keys : sequence of str
        Result of `cited`.

    Returns
    -------
    Markup
    """
    return element("ol", *(element("li", REFERENCES[key]) for key in keys))


def _detection(images: Sequence[ReportedImage], numbers: Mapping[str, int]) -> str:
    frames = sum(len(image.frames) for image in images)
    views = f"{len(images)} image{'s' * (len(images) > 1)}"
    if frames > len(images):
        views += f" with {frames} frames in total"
    models = "; ".join(_models(images))
    sizes = sorted({image.pixel_size_nm for image in images if image.pixel_size_nm})
    origins = {str(image.summary["image"].get("pixel_size_source")) for image in images}
    sources = sorted(_SOURCES.get(each, each) for each in origins)
    scale = "without a known pixel size"
    if sizes:
        ends = (
            number(sizes[0], 4)
            if len(sizes) == 1
            else (f"{number(sizes[0], 4)} to {number(sizes[-1], 4)}")
        )
        scale = f"with a pixel size of {ends} nm (source: {', '.join(sources)})"
    area = sum(image.searched_nm2 or 0.0 for image in images)
    searched = (
        f" The searched area is {number(area, 4)} nm²: all pixels but blank ones and those that"
        " the model assigned to no class, Bulk included."
        if area
        else ""
    )
    return (
        f"Defects were detected in {views} {scale} with napari-stem-defects"
        f" {_versions(images, 'napari-stem-defects')} [{numbers['program']}] (Python"
        f" {_versions(images, 'python')}, torch {_versions(images, 'torch')}): {models}."
        f"{searched}"
    )


def _statistics(numbers: Mapping[str, int]) -> str:
    text = (
        "Rates are numbers of defects, or lengths of lines, per searched area; intervals are 95 %"
        f" mid-p gamma intervals [{numbers['feuer']}, {numbers['kim']}], of lengths with the"
        " variance of a sum of independent lengths."
    )
    if "rogan" in numbers:
        text += (
            " Corrected rates are n P / (R A), with the number n, the area A and the precision P"
            f" and recall R of the model for the class [{numbers['rogan']}]; their intervals"
            " combine the confidence distributions of n, P and R (mid-p form of Clopper and"
            f" Pearson [{numbers['clopper']}]; melding [{numbers['melded']}])."
        )
    if "ohser" in numbers:
        text += (
            " Pair correlations have translation edge correction by the set covariance of the"
            f" searched area [{numbers['ohser']}], nearest-neighbour distances the correction of"
            f" Hanisch [{numbers['hanisch']}]; they are compared with"
            " independent uniform points in the same areas, of which the mean distance is"
            f" 1 / (2 √density) [{numbers['clark']}]."
        )
    return text


def _models(images: Sequence[ReportedImage]) -> Iterator[str]:
    seen: dict[tuple[str, str], ReportedImage] = {}
    for image in images:
        seen.setdefault((image.model, image.model_sha256), image)
    for (name, sha256), image in seen.items():
        parameters: Mapping[str, Any] = image.summary["parameters"]
        if not sha256:
            yield "no model fitted the lattice of some images"
            continue
        limits = ", ".join(
            f"{each} {value:g}" for each, value in (parameters.get("thresholds") or {}).items()
        )
        stride = parameters.get("stride_px")
        step = ""
        if stride is not None:
            # The step is in px of the resampled image.
            factor, size = parameters.get("resampling_factor", 1.0), image.pixel_size_nm
            size = None if size is None else size / factor
            step = f", step between windows {both_units(stride, size)}"
        yield (f"model {name} (weights SHA-256 {sha256}{step}, probability thresholds: {limits})")


def _versions(images: Sequence[ReportedImage], name: str) -> str:
    found = {str(image.summary.get("versions", {}).get(name) or "unknown") for image in images}
    return ", ".join(sorted(found))
