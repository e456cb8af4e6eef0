"""The window "Detect defects"."""

from __future__ import annotations

import gc
import time
import weakref
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QMenu, QWidget

from napari_stem_defects.base.defaults import DEFAULT_MODEL
from napari_stem_defects.base.defect_classes import BULK, UNKNOWN
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.layer_source import Source
from napari_stem_defects.napari_plugin.layers.result_layers import ResultLayers
from napari_stem_defects.napari_plugin.layers.search_area import (
    DRAWN,
    area_of,
    describe_area,
    start_drawing,
)
from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions
from napari_stem_defects.napari_plugin.panels.common.model_selector import name_of
from napari_stem_defects.napari_plugin.panels.common.panel import Dock, button, note, say
from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSize
from napari_stem_defects.napari_plugin.panels.common.preload import warm_up
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.shared_state import library, open_labels
from napari_stem_defects.napari_plugin.panels.detect.correction_row import CorrectionRow
from napari_stem_defects.napari_plugin.panels.detect.region_table import RegionTable
from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript
from napari_stem_defects.napari_plugin.panels.detect.setup_form import DetectSetup
from napari_stem_defects.napari_plugin.panels.detect.threshold_rows import ClassRows
from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectModel, DetectRequest
from napari_stem_defects.workers import pool
from napari_stem_defects.workers.messages import Event, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.postprocessing.results import Region


_BREATH_MS = 15
"""Pause between two turns of drawing, so that the window stays alive."""
_TURN_S = 0.02
"""Drawing goes on for so long before the next pause; one layer may take longer."""


class DetectDefectsWidget(Dock):
    """Runs an ensemble over the chosen image and shows what it finds.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer this window belongs to.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        long, quick = QtRunner(pool.long, self), QtRunner(pool.quick, self)
        self.model = DetectModel(long.submit, quick.submit)
        self.pixel_size = PixelSize(quick.submit)
        self.library = LibraryActions(long.submit, quick.submit)
        self._results = ResultLayers(napari_viewer)
        self._source: weakref.ref[Image] | None = None
        self._room_wanted = False
        self._drawing = QTimer(self)
        self._drawing.setInterval(_BREATH_MS)
        self._drawing.timeout.connect(self._draw_results)
        warm_up()
        long.submit(Job("napari_stem_defects.jobs.tasks:load_torch", {}), _ignore)
        self.when_closed(long.cancel_all)
        self.when_closed(quick.cancel_all)
        self.setup = self.add(DetectSetup(napari_viewer.layers, self.pixel_size, self.library))
        self.image, self.ensemble = self.setup.image, self.setup.ensemble
        self._build_results()
        self.run_row = self.add_footer(
            RunRow(self.model.run, "Run", "Find the defects of this frame or of all frames")
        )
        self._connect()
        self._on_model()
        self._on_image()

    # Building

    def _build_results(self) -> None:
        self.add_title("Classes and thresholds")
        self.classes = self.add(ClassRows())
        self.add_title("Regions")
        self.regions = self.add(RegionTable(), 1)
        self.correction = self.add(CorrectionRow())
        self.export = button(
            "Export…", "export", "Write masks, probabilities, table, summary and overview picture"
        )
        self.copy_as = button("Copy as", "copy_as", "Put these settings on the clipboard")
        menu = QMenu(self)
        self.copy_python = menu.addAction("Python", self._copy_python)
        self.copy_command = menu.addAction("Command", self._copy_command)
        self.copy_as.setMenu(menu)
        row = QHBoxLayout()
        row.addWidget(self.export)
        row.addWidget(self.copy_as)
        self._body.addLayout(row)
        self.export_note = self.add(note("export_message"))

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.ensemble.currentIndexChanged.connect(self._on_model)
        self.follow(library.changed, self.ensemble.reload)
        self.library.said.connect(self.model.run.tell)
        self.library.failed.connect(self._on_library_failed)
        self.setup.size_row.typed.connect(self._explain_scale)
        self.setup.size_row.calibrate_clicked.connect(self._calibrate)
        self.setup.draw_clicked.connect(self._draw)
        self.run_row.run_clicked.connect(self.start)
        self.classes.threshold_changed.connect(self._on_threshold)
        self.regions.region_chosen.connect(self._on_region)
        self.regions.delete_pressed.connect(self.correction.delete.click)
        self.correction.corrected.connect(self.model.correct)
        self.correction.undo_clicked.connect(self.model.take_correction_back)
        self.model.corrections.changed.connect(self._on_corrections)
        self.follow(open_labels.changed, self.model.corrections.flush)
        self.export.clicked.connect(self._export)
        self.model.frame_found.connect(self._on_frame_found)
        self.model.run.changed.connect(self._on_run)
        self.model.run.failed.connect(show_warning)
        self.model.exporting.changed.connect(self._on_exporting)
        self.model.thresholds_changed.connect(self._on_thresholds)
        self.follow(self._viewer.dims.events.current_step, self._on_frame_shown)
        self.listen(self._viewer.mouse_move_callbacks, self._on_mouse)
        self.listen(self._viewer.mouse_drag_callbacks, self._on_press)
        self.when_closed(self.image.disconnect_layers)

    # What the user does

    def start(self) -> None:
        """Detect, with the settings shown."""
        image, entry = self.image.image, self.ensemble.entry
        if image is None or entry is None:
            what = "image: open one first" if image is None else "model: train or import one first"
            self.model.run.fail(f"there is no {what}")
            return
        try:
            frames = range(convert.frame_count(image))
            what = self.setup.area.currentText()
            area = area_of(self._viewer, image, what)
            self._results.begin(image, (*_defects(entry), UNKNOWN))
        except InputError as error:
            self.model.run.fail(str(error))
            return
        self._source, source = weakref.ref(image), Source(image, self.pixel_size)
        if self.setup.frames.currentIndex() == 0:
            frames = range(self._frame_shown(), self._frame_shown() + 1)
        self._drawing.start()
        self._room_wanted = True
        self.model.start(
            DetectRequest(
                name=image.name,
                take=source.frame,
                whole=source.whole,
                frames=frames,
                model=entry,
                stride=self.setup.stride.value(),
                device=self.setup.device.currentText(),
                area=area,
                searched=describe_area(area, convert.frame_shape(image), what),
            )
        )
        self.regions.put([])
        self.classes.put_counts({})

    def _draw(self, tool: str) -> None:
        if (image := self.image.image) is not None:
            self.setup.area.setCurrentText(DRAWN)
            start_drawing(self._viewer, image, tool)

    def _on_threshold(self, class_name: str, value: float) -> None:
        self.model.set_threshold(class_name, value, self._frame_shown())

    def _on_region(self, region: Region | None) -> None:
        self.correction.put(region)
        if region is not None:
            self._go_to(region)

    def _go_to(self, region: Region) -> None:
        if (source := self._source_alive()) is None:
            return
        if source.ndim == 3:
            self._viewer.dims.set_current_step(0, region.frame)
        convert.look_at(self._viewer, source, region.y_px, region.x_px)

    def _calibrate(self, size_nm: float) -> None:
        if (image := self.image.image) is not None:
            convert.set_pixel_size(image, size_nm)
            self._on_image()

    def _export(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if folder:
            self.model.export(Path(folder))

    def _copy_python(self) -> None:
        self._copy(self._script().python())

    def _copy_command(self) -> None:
        self._copy(self._script().command())

    def _copy(self, text: str) -> None:
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(text)
            show_info("copied to the clipboard")

    def _script(self) -> DetectScript:
        """Return what repeats the result shown; before a run, what would be done."""
        image, entry, setup = self.image.image, self.ensemble.entry, self.setup
        request, found = self.model.request, next(iter(self.model.results.values()), None)
        if found is not None and request is not None:
            image, entry = self._source_alive() or image, request.model
        own = {} if entry is None else {c: entry.spec.threshold(c) for c in entry.spec.classes}
        limits = self.model.thresholds
        stack = image is not None and image.ndim > 2
        return DetectScript(
            path=Path(image.source.path) if image is not None and image.source.path else None,
            pixel_size_nm=setup.size_row.size_nm if found is None else found.pixel_size_nm,
            model=DEFAULT_MODEL if entry is None else name_of(entry),
            stride=request.stride if request else setup.stride.value(),
            device=request.device if request else setup.device.currentText(),
            frames=tuple(request.frames if request else [self._frame_shown()]) if stack else (),
            area=None if request is None else request.area,
            thresholds={c: limits[c] for c, value in own.items() if limits.get(c, value) != value},
            corrections=len(self.model.corrections.made),
        )

    # What happens

    def _on_image(self) -> None:
        image = self.image.image
        try:
            size_nm = None if image is None else convert.pixel_size_nm(image)
            self.setup.size_row.show_size(size_nm)
            self.setup.show_frames(image is not None and convert.frame_count(image) > 1)
        except InputError as error:
            self.model.run.tell(str(error))
        self._explain_scale()

    def _on_model(self) -> None:
        if (entry := self.ensemble.entry) is not None:
            self.setup.suit_stride(entry.spec)
            self.model.use_model(entry)
            self.correction.put_classes(_defects(entry))
        self._explain_scale()

    def _on_library_failed(self, message: str) -> None:
        self.model.run.tell(message)
        show_warning(message)

    def _explain_scale(self) -> None:
        image, entry = self.image.image, self.ensemble.entry
        if image is None or entry is None:
            self.pixel_size.forget()
            return
        try:
            self.pixel_size.consider(convert.frame_input(image, self._frame_shown()), entry.spec)
        except InputError as error:
            self.model.run.tell(str(error))

    def _on_frame_found(self, result: FrameResult) -> None:
        self._results.show(result)
        self._draw_results()
        self._drawing.start()
        self.regions.put(self.model.regions())
        self.classes.put_counts(self.model.counts())

    def _on_thresholds(self) -> None:
        self.classes.put(self.model.thresholds)
        for before, after in pairwise([self.setup.frames, *self.classes.bars, self.regions]):
            QWidget.setTabOrder(before, after)
        self.model.refresh(self._frame_shown())

    def _on_corrections(self) -> None:
        corrections = self.model.corrections
        self.correction.put_statement(corrections.statement(), bool(corrections.made))

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        if self.isVisible():
            place = self._place(event)
            found = place and self.model.probabilities_at(self._frame_shown(), *place)
            self.classes.put_values(found)

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Select the region that was clicked; a drag is the camera's."""
        place = self._place(event) if self.isVisible() and event.button == 1 else None
        yield
        moved = False
        while event.type == "mouse_move":
            moved = True
            yield
        region = place and self.model.region_at(self._frame_shown(), *place)
        if region and not moved:
            self.regions.choose(region)
            self.correction.put(region)

    def _place(self, event: Any) -> tuple[float, float] | None:
        """Return where in the image the cursor is, px."""
        if (source := self._source_alive()) is None:
            return None
        y, x = source.world_to_data(event.position[-source.ndim :])[-2:]
        return float(y), float(x)

    def _source_alive(self) -> Image | None:
        """Return the image of the results, unless the user has deleted it."""
        source = None if self._source is None else self._source()
        return source if source is not None and source in self._viewer.layers else None

    def _draw_results(self) -> None:
        """Make and fill layers for a moment; the timer goes on with the rest."""
        if warm_up().is_alive():
            return
        if gc.isenabled():
            # A collection takes as long as adding a layer; it gets a turn of its own.
            gc.disable()
            QTimer.singleShot(0, gc.enable)
        until = time.perf_counter() + _TURN_S
        while self._results.step():
            if time.perf_counter() > until:
                return
        self._drawing.stop()

    def _on_run(self) -> None:
        phase = self.model.run.phase
        if phase in ("failed", "cancelled") and not self.model.results:
            self._drawing.stop()
            self._results.discard()
        elif phase == "done" and self._room_wanted and self.model.results:
            self._room_wanted = False
            QTimer.singleShot(0, self._make_room)

    def _make_room(self) -> None:
        """Fold the settings away where the regions would be out of sight."""
        bar = self.body.verticalScrollBar()
        if self.isVisible() and bar is not None and bar.maximum() > 0:
            self.setup.fold.setChecked(False)

    def _on_frame_shown(self) -> None:
        frame = self._frame_shown()
        if (result := self.model.results.get(frame)) is not None:
            self._results.show(result)
            self._drawing.start()
        self.model.refresh(frame)

    def _on_exporting(self) -> None:
        say(self.export_note, self.model.exporting.message)

    def _frame_shown(self) -> int:
        image = self.image.image
        if image is None or image.ndim < 3:
            return 0
        count = convert.frame_count(image)
        return min(int(self._viewer.dims.current_step[0]), count - 1)


def _defects(entry: ModelEntry) -> list[str]:
    return [name for name in entry.spec.classes if name != BULK]


def _ignore(event: Event) -> None:
    """Expect nothing of a job."""
