"""The pixel size of files that napari opens itself, which drops it: read again from the file."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.placement import remember_pixel_size
from napari_stem_defects.workers.isolated_read import (
    LIST_SIGNALS,
    SignalArguments,
    memory_limit_bytes,
    time_limit_s,
)
from napari_stem_defects.workers.messages import Finished, JobEvent

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
    from napari_stem_defects.napari_plugin.panels.common.job_state import Submit
    from napari_stem_defects.workers.isolated_read import Signals

_SQUARE_TOLERANCE = 0.01


class FilePixelSize:
    """Reads the pixel size of the selected image from its file, if the layer has none.

    napari opens TIFF files without their calibration. The scale of the layer stays as it is, since
    layers of the user may lie on it; the size is recorded with `remember_pixel_size`, which
    all panels use. The file is read in a worker process.

    Parameters
    ----------
    selector : ImageSelector
    submit : callable
        Submits jobs to the workers.
    """

    def __init__(self, selector: ImageSelector, submit: Submit) -> None:
        self._selector, self._submit = selector, submit
        selector.image_changed.connect(self.read)
        self.read()

    def read(self) -> None:
        """Read the pixel size of the selected image if it is not known yet."""
        image = self._selector.image
        path = None if image is None else _file_to_read(image)
        if image is None or path is None:
            return
        requested = weakref.ref(image)
        job = LIST_SIGNALS.job(
            SignalArguments(path),
            subject=path.name,
            time_limit_s=time_limit_s(path),
            memory_limit=memory_limit_bytes(path),
        )

        def on_event(event: JobEvent) -> None:
            layer = requested()
            if layer is not None and isinstance(event, Finished) and _file_to_read(layer) == path:
                size_nm = _size_for(layer, event.result)
                remember_pixel_size(layer, size_nm)

        self._submit(job, on_event)


def _file_to_read(image: Image) -> Path | None:
    """Return the file of an image whose pixel size was not looked for yet."""
    known = image.metadata.get(convert.METADATA_KEY, {})
    path = convert.source_path(image)
    if convert.is_calibrated(image) or "pixel_size_nm" in known or path is None:
        return None
    return path if path.is_file() else None


def _size_for(image: Image, found: Signals) -> float | None:
    """Return the pixel size of the signal that is read from the file; None if it is another one."""
    signals, chosen = found
    if isinstance(chosen, str):
        return None
    signal: Any = signals[chosen.number]
    if signal.pixel_nm is None or tuple(signal.shape[-2:]) != convert.frame_shape(image):
        return None
    height, width = signal.pixel_nm
    is_square = abs(height - width) <= _SQUARE_TOLERANCE * height
    return float(width) if is_square else None
