"""The panel Detect defects."""

from __future__ import annotations

import weakref
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.registry import LOAD_TORCH, LoadTorchArguments
from napari_stem_defects.napari_plugin.layers import convert, search_area
from napari_stem_defects.napari_plugin.layers.layer_source import LayerSource
from napari_stem_defects.napari_plugin.layers.owned_layers import alive
from napari_stem_defects.napari_plugin.layers.placement import calibrate
from napari_stem_defects.napari_plugin.layers.result_layers import shown_classes
from napari_stem_defects.napari_plugin.layers.stored_layers import reopen
from napari_stem_defects.napari_plugin.panels.common.file_pixel_size import FilePixelSize
from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions
from napari_stem_defects.napari_plugin.panels.common.panel import LAYOUT_MS, Panel
from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel
from napari_stem_defects.napari_plugin.panels.common.plain_text import show_warning
from napari_stem_defects.napari_plugin.panels.common.preload import preload
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunners
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.shared_state import library_events, open_labels
from napari_stem_defects.napari_plugin.panels.common.survey_action import survey_button
from napari_stem_defects.napari_plugin.panels.detect.correction_row import CorrectionRow
from napari_stem_defects.napari_plugin.panels.detect.export_row import ExportRow
from napari_stem_defects.napari_plugin.panels.detect.opened_layers import OpenedGroup, OpenedLayers
from napari_stem_defects.napari_plugin.panels.detect.request import DetectRequest
from napari_stem_defects.napari_plugin.panels.detect.result_drawing import ResultDrawing
from napari_stem_defects.napari_plugin.panels.detect.results_list import ResultsList
from napari_stem_defects.napari_plugin.panels.detect.settings_script import settings_script
from napari_stem_defects.napari_plugin.panels.detect.setup_form import SetupForm
from napari_stem_defects.napari_plugin.panels.detect.survey_results import SurveyResults
from napari_stem_defects.napari_plugin.panels.detect.threshold_rows import ThresholdRows
from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectViewModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.io.models.choose import LibraryChoice
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript
    from napari_stem_defects.postprocessing.results import Region


class DetectDefectsWidget(Panel):
    """Detects defects in the selected image and shows them as layers and a table.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer that the panel belongs to.
    """

    title = "Detect"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        runners = QtRunners(self)
        self.view_model = DetectViewModel(runners.submit)
        self.pixel_size = PixelSizeViewModel(runners.submit)
        self.library = LibraryActions(runners.submit)
        self._drawing = ResultDrawing(napari_viewer, self)
        self._source: weakref.ref[Layer] | None = None
        self._collapse_when_done = False
        preload()
        load = LOAD_TORCH.job(LoadTorchArguments(), subject="loading torch")
        runners.submit(load, lambda _: None)
        self.on_close(runners.cancel_all)
        self._opened = OpenedLayers(napari_viewer, self)
        self.on_close(self._opened.disconnect_layers)
        self.setup = self.add(SetupForm(napari_viewer.layers, self.pixel_size, self.library))
        self.image, self.ensemble = self.setup.image, self.setup.ensemble
        self._file_pixel_size = FilePixelSize(self.image, runners.submit)
        self._build_results()
        self.run_row = self.add_footer(
            RunRow(self.view_model.run, "Detect defects", "Search the frame shown or all frames")
        )
        self.run_row.add_start(survey_button(), self._survey)
        self._connect()
        self._on_model()
        self._on_image()

    # Layout

    def _build_results(self) -> None:
        self.classes_title = self.add_title("Classes and thresholds")
        self.classes_title.hide()
        self.classes = self.add(ThresholdRows())
        self.listed = self.add(ResultsList(self.add_title("")), 1)
        self.regions = self.listed.table
        self.surveyed = SurveyResults(self._viewer, self.view_model, self.pixel_size, self.listed)
        self.survey = self.surveyed.action
        self.correction = self.add(CorrectionRow())
        exporting = self.view_model.exporting
        self.export = self.add(ExportRow(exporting, self.surveyed.missing, self._script))

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.image.calibrated.connect(self._on_image)
        self.image.image_changed.connect(self.setup.model_row.refresh)
        self.ensemble.currentIndexChanged.connect(self._on_model)
        self.connect_until_closed(library_events.changed, self.ensemble.reload)
        self.library.succeeded.connect(self.view_model.run.show_message)
        self.library.failed.connect(self._on_library_failed)
        self.setup.size_row.typed.connect(self._explain_scale)
        self.setup.size_row.calibrate_clicked.connect(self._calibrate)
        self.setup.draw_clicked.connect(self._start_drawing)
        self.run_row.run_clicked.connect(self.start)
        self.classes.threshold_changed.connect(self._on_threshold)
        self.regions.region_selected.connect(self._on_region)
        self.regions.delete_pressed.connect(self.correction.delete.click)
        self.correction.corrected.connect(self.view_model.correct)
        self.correction.undo_clicked.connect(self.view_model.undo_correction)
        corrections = self.view_model.corrections
        corrections.changed.connect(self._on_corrections)
        self.connect_until_closed(open_labels.changed, corrections.add_waiting_labels)
        self.export.folder_chosen.connect(self.surveyed.export)
        self.export.save_clicked.connect(self.view_model.save)
        self._opened.found.connect(self._on_opened)
        self.view_model.opened.connect(self._show_opened)
        self.view_model.frame_found.connect(self._on_frame_found)
        self.view_model.model_chosen.connect(self._on_chosen)
        self.view_model.run.changed.connect(self._on_run)
        self.view_model.run.failed.connect(show_warning)
        self.view_model.thresholds_changed.connect(self._on_thresholds)
        self.connect_until_closed(self._viewer.dims.events.current_step, self._on_frame_shown)
        self.add_mouse_callback(self._viewer.mouse_move_callbacks, self._on_mouse)
        self.add_mouse_callback(self._viewer.mouse_drag_callbacks, self._on_press)
        self.on_close(self.image.disconnect_layers)

    # User actions

    def start(self) -> None:
        """Start a detection with the settings shown, first choosing a model if it is "auto"."""
        image, entry = self.image.image, self.ensemble.entry
        if image is None or (entry is None and not self.ensemble.is_auto):
            missing = "image; open one" if image is None else "model; train or import one"
            self.view_model.run.fail(f"there is no {missing}")
        elif entry is not None:
            self._detect_with(image, entry)
        else:
            self._source = weakref.ref(image)
            source = LayerSource(image, self.pixel_size.with_typed)
            self.view_model.choose_model(image.name, source.frame, self._frames(image))

    def _on_chosen(self, choice: LibraryChoice) -> None:
        """Show which model fits and use it; where none fits, show what is unusual, unnamed."""
        self.listed.clear()
        self.setup.model_row.refresh()  # where none fits, the message below states why
        source = self._result_image()  # another image may have been selected meanwhile
        image = source if isinstance(source, Image) else None
        if choice.entry is None:
            self._drawing.clear(image)
            if choice.measured.cell is not None:
                self.survey.start(image, self._frame_shown(), choice.statement)
        elif image is not None:
            self.setup.model_row.show_choice(choice.statement)
            self._use(choice.entry)
            self._detect_with(image, choice.entry, choice.statement)

    def _frames(self, image: Image) -> range:
        shown = self._frame_shown()
        is_one = self.setup.frames.currentIndex() == 0
        return range(shown, shown + 1) if is_one else range(convert.frame_count(image))

    def _detect_with(self, image: Image, entry: ModelEntry, choice: str = "") -> None:
        try:
            frames = self._frames(image)
            what = self.setup.area.currentText()
            area = search_area.get_search_area(self._viewer, image, what)
            self._drawing.layers.begin(image, shown_classes(entry.spec))
        except InputError as error:
            self.view_model.run.fail(str(error))
            return
        self._source, source = weakref.ref(image), LayerSource(image, self.pixel_size.with_typed)
        self._drawing.start()
        self._collapse_when_done = True
        self.view_model.start(
            DetectRequest(
                name=image.name,
                read_frame=source.frame,
                read_image=source.whole,
                frames=frames,
                model=entry,
                stride=self.setup.stride.value(),
                device=self.setup.device.currentText(),
                area=area,
                searched=search_area.describe_area(area, convert.frame_shape(image), what),
                choice=choice,
                contrast=self.setup.contrast.currentData(),
            )
        )
        self.listed.clear()
        self.classes.set_counts({})

    def _survey(self) -> None:
        self.survey.start(self.image.image, self._frame_shown())

    def _start_drawing(self, tool: str) -> None:
        if (image := self.image.image) is not None:
            self.setup.area.setCurrentText(search_area.DRAWN)
            search_area.start_drawing(self._viewer, image, tool)

    def _on_threshold(self, class_name: str, value: float) -> None:
        self.view_model.set_threshold(class_name, value, self._frame_shown())
        self._show_changes()

    def _on_region(self, region: Region | None) -> None:
        self.correction.set_region(region)
        if region is not None:
            self._drawing.restore(region.class_name, self.view_model.results.loaded())
            self._go_to(region)

    def _go_to(self, region: Region) -> None:
        if (source := self._result_image()) is None:
            return
        if source.ndim == 3:
            self._viewer.dims.set_current_step(0, region.frame)
        convert.centre_on(self._viewer, source, region.y_px, region.x_px)

    def _calibrate(self, size_nm: float) -> None:
        if (image := self.image.image) is not None:
            calibrate(self._viewer, image, size_nm)

    def _script(self) -> DetectScript:
        shown = self._result_image(), self._frame_shown()
        return settings_script(self.view_model, self.setup, *shown)

    # Reactions to events

    def _on_image(self) -> None:
        image = self.image.image
        try:
            size_nm = None if image is None else convert.pixel_size_nm(image)
            in_layer = image is None or convert.is_calibrated(image)
            self.setup.size_row.show_size(size_nm, in_layer)
            self.setup.show_frames(image is not None and convert.frame_count(image) > 1)
        except InputError as error:
            self.view_model.run.show_message(str(error))
        self._explain_scale()

    def _on_model(self) -> None:
        if (entry := self.ensemble.entry) is not None:
            self._use(entry)
        self._explain_scale()

    def _use(self, entry: ModelEntry) -> None:
        self.setup.use_stride_of(entry.spec)
        self.view_model.use_model(entry)
        self.correction.set_classes(self.view_model.classes)

    def _on_library_failed(self, message: str) -> None:
        self.view_model.run.show_message(message)
        show_warning(message)

    def _explain_scale(self) -> None:
        image, entry = self.image.image, self.ensemble.entry
        if image is None or entry is None:
            self.pixel_size.clear()
            return
        try:
            self.pixel_size.explain(convert.frame_input(image, self._frame_shown()), entry.spec)
        except InputError as error:
            self.view_model.run.show_message(str(error))

    def _on_frame_found(self, result: FrameResult) -> None:
        self._drawing.show(result)
        self._drawing.draw()
        self._show_results()

    def _show_results(self) -> None:
        """Show the regions of all frames in the table, and their numbers."""
        results = self.view_model.results
        self.listed.set_regions(results.regions(), results.colours())
        self.classes.set_counts(results.counts(), results.searched_nm2())

    def _on_thresholds(self) -> None:
        self.classes.set_thresholds(self.view_model.thresholds, self.view_model.classes)
        self.classes_title.show()
        for before, after in pairwise([self.setup.frames, *self.classes.sliders, self.regions]):
            QWidget.setTabOrder(before, after)
        self.view_model.refresh(self._frame_shown())

    def _on_opened(self, group: OpenedGroup) -> None:
        """Continue with results that a reader has added to the viewer."""
        if (run := self.view_model.run).busy:
            run.show_message("open the results again when this run has ended")
            return
        if group.image is not None:
            self.image.select(group.image)
            self._viewer.layers.selection.active = group.image
        self.listed.clear()
        self.view_model.forget_results()
        self._show_results()
        if group.labels:
            self._open_results(group)
        if group.survey:
            self.surveyed.open(group)
            QTimer.singleShot(LAYOUT_MS, self._collapse_settings)

    def _open_results(self, group: OpenedGroup) -> None:
        try:
            opened = reopen(group.folder)
        except InputError as error:
            self.view_model.run.fail(str(error))
            return
        self._source = weakref.ref(group.image or next(iter(group.labels.values())))
        self._drawing.layers.adopt(group.image, group.labels)
        self._collapse_when_done = True
        self.view_model.open_results(opened)
        self.correction.set_classes(opened.classes)

    def _show_opened(self) -> None:
        self._show_results()
        self._on_frame_shown()
        self._show_changes()

    def _show_changes(self) -> None:
        """Offer to save opened results that were changed."""
        opened = self.view_model.results.opened
        self.export.show_save(opened is not None, self.view_model.is_changed)

    def _on_corrections(self) -> None:
        corrections = self.view_model.corrections
        self.correction.set_statement(corrections.statement(), bool(corrections.made))
        self._show_changes()

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        if self.is_shown:
            position = self._position(event)
            shown, results = self._frame_shown(), self.view_model.results
            self.classes.set_probabilities(position and results.probabilities_at(shown, *position))

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Select the region clicked; a drag moves the camera."""
        position = self._position(event) if self.is_shown and event.button == 1 else None
        yield
        moved = False
        while event.type == "mouse_move":
            moved = True
            yield
        region = position and self.view_model.results.region_at(self._frame_shown(), *position)
        if region and not moved:
            self.regions.select_region(region)
            self.correction.set_region(region)

    def _position(self, event: Any) -> tuple[float, float] | None:
        """Return the position of the cursor in the image, px."""
        source = self._result_image()
        return None if source is None else convert.position_in(source, event.position)

    def _result_image(self) -> Layer | None:
        """Return the image of the results, or a layer in its place; None if it was deleted."""
        source = alive(self._source)
        return source if source is not None and source in self._viewer.layers else None

    def _on_run(self) -> None:
        phase = self.view_model.run.phase
        if phase in ("failed", "cancelled") and not self.view_model.results:
            self._drawing.discard()
        elif (
            phase == "done"
            and self._collapse_when_done
            and (self.view_model.results or self.listed.survey is not None)
        ):
            self._collapse_when_done = False
            QTimer.singleShot(LAYOUT_MS, self._collapse_settings)

    def _collapse_settings(self) -> None:
        """Collapse the settings if the table of regions would be out of sight."""
        bar = self.body.verticalScrollBar()
        if self.is_shown and bar is not None and bar.maximum() > 0:
            self.setup.fold.setChecked(False)

    def _on_frame_shown(self) -> None:
        frame = self._frame_shown()
        if (result := self.view_model.results.get(frame)) is not None:
            self._drawing.show(result)
        if not self.view_model.run.busy:
            self.view_model.describe_opened(frame)
        self.view_model.refresh(frame)
        self.surveyed.show_frame()

    def _frame_shown(self) -> int:
        opened = self.view_model.results.opened
        if self.image.image is None and opened is not None and opened.is_stack:
            return min(int(self._viewer.dims.current_step[0]), opened.frame_count - 1)
        return convert.current_frame(self._viewer, self.image.image)
