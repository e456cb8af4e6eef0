"""Script that repeats the result shown in the panel or, before a run, the settings shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.napari_plugin.layers.convert import source_path
from napari_stem_defects.napari_plugin.panels.common.model_selector import script_name
from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript
from napari_stem_defects.networks.inference_settings import MAX_STRIDE_PX

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_stem_defects.jobs.opened_result import OpenedResult
    from napari_stem_defects.napari_plugin.panels.detect.setup_form import SetupForm
    from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectViewModel


def settings_script(
    view_model: DetectViewModel, setup: SetupForm, result_image: Layer | None, frame_shown: int
) -> DetectScript:
    """Return the script.

    Parameters
    ----------
    view_model : DetectViewModel
    setup : SetupForm
        Settings that are used before a run.
    result_image : Layer or None
        Layer of the result; None if there is none any more.
    frame_shown : int
        Index of the frame shown.

    Returns
    -------
    DetectScript
    """
    if (opened := view_model.results.opened) is not None:
        return _script_of(opened, view_model, frame_shown)
    image, entry = setup.image.image, setup.ensemble.entry
    request, found = view_model.request, next(iter(view_model.results.values()), None)
    if found is not None and request is not None:
        image, entry = result_image or image, request.model
    defaults = {} if entry is None else {c: entry.spec.threshold(c) for c in entry.spec.classes}
    thresholds = view_model.thresholds
    is_stack = image is not None and image.ndim > 2
    return DetectScript(
        path=None if image is None else source_path(image),
        pixel_size_nm=setup.size_row.size_nm if found is None else found.pixel_size_nm,
        model=AUTO_MODEL if entry is None else script_name(entry),
        stride=request.stride if request else setup.stride.value(),
        device=request.device if request else setup.device.currentText(),
        frames=tuple(request.frames if request else [frame_shown]) if is_stack else (),
        contrast=request.contrast if request else setup.contrast.currentData(),
        area=None if request is None else request.area,
        thresholds={
            c: thresholds[c] for c, value in defaults.items() if thresholds.get(c, value) != value
        },
        corrections=len(view_model.corrections.made),
    )


def _script_of(opened: OpenedResult, view_model: DetectViewModel, frame_shown: int) -> DetectScript:
    """Return the script of opened results; of a batch, that of the image shown."""
    member, _ = opened.place(frame_shown)
    parameters = member.summary["parameters"]
    area = parameters.get("area_px")
    stored = member.summary["image"].get("path")
    image = member.find_image() or (Path(stored) if stored else None)
    return DetectScript(
        path=image,
        pixel_size_nm=member.pixel_size_nm,
        model=str(member.summary["model"].get("name", AUTO_MODEL)),
        stride=int(parameters.get("stride_px", MAX_STRIDE_PX)),
        device=str(parameters.get("device", "auto")),
        frames=member.frames if member.is_stack else (),
        contrast=parameters.get("contrast", "dark" if parameters.get("inverted") else "auto"),
        area=None if area is None else SearchArea.from_value(area),
        thresholds=dict(view_model.thresholds),
        corrections=len(view_model.corrections.made),
    )
