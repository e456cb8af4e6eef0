"""The panel Label patches."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QMenu, QSizePolicy

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.labels.project import is_label_project
from napari_stem_defects.jobs.registry import (
    EXPORT_LABELS,
    IMPORT_LABELS,
    ExportLabelsArguments,
    ImportLabelsArguments,
)
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.label_boxes import LabelBoxes
from napari_stem_defects.napari_plugin.layers.label_brush import LabelBrush
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.elided import ElidedButton
from napari_stem_defects.napari_plugin.panels.common.file_pixel_size import FilePixelSize
from napari_stem_defects.napari_plugin.panels.common.grey_offer import GreyOffer
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState
from napari_stem_defects.napari_plugin.panels.common.panel import (
    LAYOUT_MS,
    Panel,
    button,
    named,
    note,
    show_note,
)
from napari_stem_defects.napari_plugin.panels.common.plain_text import ElidedLabel, show_warning
from napari_stem_defects.napari_plugin.panels.common.preload import preload
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunners
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.settings import save_setting, settings
from napari_stem_defects.napari_plugin.panels.common.shared_state import library_events, open_labels
from napari_stem_defects.napari_plugin.panels.label.actions import LabelActions
from napari_stem_defects.napari_plugin.panels.label.automatic_row import AutomaticRow
from napari_stem_defects.napari_plugin.panels.label.class_buttons import ClassButtons
from napari_stem_defects.napari_plugin.panels.label.fitting_models import FittingModels
from napari_stem_defects.napari_plugin.panels.label.hints import hint_text
from napari_stem_defects.napari_plugin.panels.label.image_click import ImageClick
from napari_stem_defects.napari_plugin.panels.label.import_menu import ImportMenu
from napari_stem_defects.napari_plugin.panels.label.label_thumbnails import LabelThumbnails
from napari_stem_defects.napari_plugin.panels.label.live_map import LiveMapViewModel
from napari_stem_defects.napari_plugin.panels.label.live_row import LiveRow
from napari_stem_defects.napari_plugin.panels.label.project_images import ProjectImages
from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
from napari_stem_defects.napari_plugin.panels.label.queue_row import QueueRow
from napari_stem_defects.napari_plugin.panels.label.start_classes import START_CLASSES
from napari_stem_defects.napari_plugin.panels.label.synthetic_defects_form import (
    SyntheticDefectsForm,
)
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.labels.label import Label


class LabelPatchesWidget(Panel):
    """Sets labels by clicks and saves each of them at once.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer that the panel belongs to.
    """

    title = "Label"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        preload()
        self._viewer = napari_viewer
        self.view_model = LabelViewModel()
        self.queue = LabelQueue(self.view_model)
        self._runners = QtRunners(self)
        self.run = JobState(self._runners.submit)
        self.fitting = FittingModels(self._runners.submit)
        self.boxes = LabelBoxes(napari_viewer, self.view_model, self.queue)
        self.brush = LabelBrush(napari_viewer, self.view_model.paint)
        self._scroll = QTimer(self)  # once the pictures found have their room in the layout
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(LAYOUT_MS)
        self._scroll.timeout.connect(self._scroll_to_queue)
        self._reopen: Callable[[], None] | None = None
        self.live = LiveMapViewModel(
            self.view_model, self._runners.submit, self._read_frame, self.run
        )
        self._build_project()
        self._build_classes()
        self._build_actions()
        self.run_row = self.add_footer(
            RunRow(self.run, "Import labels…", "Add a folder of patches, or a file of labels")
        )
        menu = ImportMenu(self)
        menu.chosen.connect(self.import_labels)
        self.run_row.start.setMenu(menu)
        self._connect()
        self._on_project()
        self._on_classes()
        self._on_image()

    # Layout

    def _build_project(self) -> None:
        new = button("New…", "new_project", "Create a label project in a new folder")
        menu = QMenu(new)
        for title, classes in START_CLASSES.items():
            menu.addAction(title, lambda classes=classes: self._new(classes))
        new.setMenu(menu)
        open_ = button("Open…", "open_project", "Open the folder of a label project")
        open_.clicked.connect(self._open)
        self.project_name = ElidedLabel("project", "Label project that is open")
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.project_name, 1)
        row.addWidget(new)
        row.addWidget(open_)
        self.image = ImageSelector(self._viewer.layers)
        self._file_pixel_size = FilePixelSize(self.image, self._runners.submit)
        self.images = ProjectImages(self._viewer, self.view_model, self.image)
        self.project_images = named(
            QComboBox(), "project_images", "Images in the project; select one to show it"
        )
        self.project_images.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        form = self.add_form()
        form.addRow("Project", row)
        form.addRow("Its images", self.project_images)
        form.addRow("Image", self.image)
        self.add(GreyOffer(self._viewer.layers, self.image))
        self.warning = self.add(note("warning"))
        self.automatic = self.add(AutomaticRow(self.view_model))
        self.resume = self.add(ElidedButton("resume", "Open the most recent project"))

    def _build_classes(self) -> None:
        self.add_title("Classes")
        self.classes = self.add(ClassButtons(self.view_model))
        self.thumbnails = self.add(LabelThumbnails(self.view_model))
        self.hint = self.add(note("hint"))
        self.paint = button("Paint area", "paint", "Paint an area to fill with labels of the class")
        self.paint.setCheckable(True)
        self.undo = button("Undo", "undo", "Undo the last change (Ctrl+Z)")
        self.redo = button("Redo", "redo", "Redo the change undone last (Ctrl+Shift+Z)")
        self.export = button(
            "Export patches…", "export", "Write every label as a patch of 64 x 64 px"
        )
        self.add_row(self.paint, self.undo, self.redo, self.export)
        self.live_row = self.add(LiveRow(self._viewer, self.live, lambda: self.image.image))

    def _build_actions(self) -> None:
        self.add_title("Next to label")
        self.queue_row = self.add(QueueRow(self.queue, self.view_model))
        self.defects = SyntheticDefectsForm(self.add_collapsible("Synthetic point defects"))
        self.label_actions = LabelActions(
            self._viewer, self.view_model, self.queue, self.run, self.image
        )

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.image.calibrated.connect(self._on_calibrated)
        self.project_images.activated.connect(self.images.show)
        self.classes.class_selected.connect(self.boxes.activate)
        self.undo.clicked.connect(self.view_model.undo)
        self.redo.clicked.connect(self.view_model.redo)
        self.export.clicked.connect(self._export)
        self.resume.clicked.connect(lambda: self._resume(Path(_last_project())))
        self.paint.toggled.connect(self._on_paint)
        self.thumbnails.label_selected.connect(self._go_to)
        self.queue_row.survey_clicked.connect(self._survey)
        self.queue_row.find_clicked.connect(self._find_next)
        self.queue_row.places.number_pressed.connect(self.boxes.press_number)
        self.label_actions.found.connect(self.boxes.activate)
        self.label_actions.found.connect(lambda: self._scroll.start())
        self.queue_row.button_clicked.connect(self.boxes.activate)
        self.defects.add.clicked.connect(self._add_defects)
        self.connect_until_closed(library_events.changed, self.queue_row.ensemble.reload)
        self.fitting.changed.connect(
            lambda: self.queue_row.ensemble.offer(self.fitting.fits, self.fitting.statement)
        )
        self.queue.changed.connect(self._on_queue)
        self.run.changed.connect(self._on_run)
        self.run.failed.connect(show_warning)
        self.view_model.project_changed.connect(self._on_project)
        self.view_model.labels_changed.connect(self.boxes.draw)
        self.view_model.classes_changed.connect(self.boxes.draw)
        self.view_model.failed.connect(self._on_failed)
        self.view_model.succeeded.connect(lambda: show_note(self.warning, ""))
        clicks = ImageClick(self._viewer, self.view_model, self.boxes, self._image_in_front)
        self.add_mouse_callback(self._viewer.mouse_drag_callbacks, clicks)
        removed = self._viewer.layers.events.removed
        self.connect_until_closed(removed, self.live_row.on_layer_removed)
        self.connect_until_closed(self._viewer.dims.events.current_step, self._on_frame_shown)
        self.view_model.classes_changed.connect(self._on_classes)
        for action in (
            self.image.disconnect_layers,
            self._runners.cancel_all,
            self.view_model.close,
            lambda: open_labels.release(self.view_model),
        ):
            self.on_close(action)
        keys_of_undo = (("Ctrl+Z", self.view_model.undo), ("Ctrl+Shift+Z", self.view_model.redo))
        for keys, action in keys_of_undo:
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(action)

    # User actions

    def _new(self, classes: tuple[str, ...]) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New label project", "my labels")
        if path:
            self.view_model.create(Path(path), classes)

    def _open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open a label project")
        if folder:
            self._resume(Path(folder))

    def _resume(self, folder: Path) -> None:
        """Open a project and show the image and class of its newest label."""
        self.view_model.open(folder)
        newest = self.view_model.newest
        if newest is not None:
            self.view_model.activate(newest.class_name)
            if not self.view_model.labels:
                self.images.show_frame_of(newest)
        elif self.view_model.images and self.image.image is None:
            self.images.show(0)

    def import_labels(self, source: Path) -> None:
        """Import a folder of patches or a file of labels into the project.

        Parameters
        ----------
        source : Path
            Its labels belong to the image shown, or to images that are open and that it names.
        """
        if not self.view_model.ensure_project() or self.view_model.project is None:
            return
        try:
            images = self.images.to_import(source)
        except InputError as error:
            self.view_model.failed.emit(str(error))
            return
        project = self.view_model.project.path
        self._reopen = self.view_model.close_for_writing()
        arguments = ImportLabelsArguments(project, [source], images)
        self.run.start(IMPORT_LABELS.job(arguments, subject=source.name), self.run.finish)

    def _export(self) -> None:
        if fault := self.view_model.why_empty:
            self.view_model.failed.emit(fault)
        if fault or self.view_model.project is None:
            return
        folder = QFileDialog.getSaveFileName(self, "New folder for the patches", "patches")[0]
        if folder:
            arguments = ExportLabelsArguments(self.view_model.project.path, Path(folder))
            self.run.start(
                EXPORT_LABELS.job(arguments, subject="export"),
                lambda count: self.run.finish(f"{count} patches written to {folder}"),
            )

    def _go_to(self, label: Label) -> None:
        """Centre the view on a label in its image and frame, and select it."""
        image = self.images.show_frame_of(label)
        if image is not None:
            convert.centre_on(self._viewer, image, label.y, label.x)
            self.view_model.select(label.id)
            self.boxes.activate()

    def _survey(self) -> None:
        self.label_actions.survey(self._frame_shown())

    def _find_next(self) -> None:
        self.label_actions.find_next(self.queue_row.ensemble.entry, self._frame_shown())

    def _add_defects(self) -> None:
        self.label_actions.add_synthetic_defects(self.defects.request, self._frame_shown())

    # Reactions to events

    def _on_paint(self, is_on: bool) -> None:
        image = self.image.image
        if is_on and image is not None and self.view_model.ensure_project():
            self.brush.begin(
                image, self.view_model.colours.get(self.view_model.active_class, "#ffffff")
            )
        else:
            self.paint.setChecked(False)
            self.brush.end()
            self.boxes.activate()
        self._show_hint()

    def _on_classes(self) -> None:
        self.brush.recolour(self.view_model.colours.get(self.view_model.active_class, "#ffffff"))
        self.defects.set_classes([entry.name for entry in self.view_model.classes])
        enable(self.undo, self.view_model.can_undo, "Nothing was changed.")
        enable(self.redo, self.view_model.can_redo, "No change was undone.")

    def _on_queue(self) -> None:
        current, image = self.queue.current, self.image.image
        if current is not None and image is not None:
            convert.centre_on(self._viewer, image, current.y, current.x)
        self.boxes.draw()

    def _scroll_to_queue(self) -> None:
        self.body.ensureWidgetVisible(self.queue_row.skip)

    def _on_run(self) -> None:
        if self._reopen is not None and not self.run.busy:
            reopen, self._reopen = self._reopen, None
            reopen()

    def _on_image(self) -> None:
        image = self.image.image
        show_note(self.warning, "")
        self._show_hint()
        try:
            micrograph = None if image is None else convert.whole_input(image).micrograph()
        except InputError as error:
            micrograph = None
            self.view_model.failed.emit(str(error))
        if image is not None and micrograph is not None:
            self.images.remember(image, micrograph.sha256)
        self.paint.setChecked(False)
        self.queue.clear()
        self.boxes.show_over(image)
        self.view_model.show(micrograph, self._frame_shown())
        self.fitting.measure(None if micrograph is None else self._read_frame())

    def _on_calibrated(self) -> None:
        with suppress(InputError):  # pixels that are not square: as before
            if (frame := self._read_frame()) is not None:
                self.view_model.calibrate(frame.pixel_size_nm, frame.pixel_size_source)

    def _on_frame_shown(self) -> None:
        self.view_model.show_frame(self._frame_shown())

    def _on_project(self) -> None:
        project = self.view_model.project
        self.project_name.set_full_text("none open" if project is None else project.path.name)
        self.project_images.clear()
        self.project_images.addItems(self.view_model.image_titles)
        enable(self.project_images, bool(self.view_model.images), "No image has a label yet.")
        show_note(self.warning, "")
        self._show_hint()
        if self.boxes.layer is None:
            self.boxes.show_over(self.image.image)
        self._offer_resume()
        if project is None:
            open_labels.release(self.view_model)
        else:
            save_setting("label", "last_project", str(project.path))
            open_labels.set(self.view_model)

    def _offer_resume(self) -> None:
        last = _last_project()
        self.resume.set_full_text(f"Resume {Path(last).name}")
        self.resume.setVisible(self.view_model.project is None and is_label_project(last))

    def _show_hint(self) -> None:
        has_image, has_project = self.image.image is not None, self.view_model.project is not None
        show_note(self.hint, hint_text(has_image, has_project, self.paint.isChecked()))

    def _on_failed(self, message: str) -> None:
        show_note(self.warning, message)
        show_warning(message)

    def _read_frame(self) -> FrameInput | None:
        image = self.image.image
        return None if image is None else convert.frame_input(image, self._frame_shown())

    def _image_in_front(self) -> Image | None:
        return self.image.image if self.is_shown else None

    def _frame_shown(self) -> int:
        image = self.image.image
        if image is None:
            return 0
        if image.ndim < 3:
            return int(image.metadata.get(convert.METADATA_KEY, {}).get("frame", 0))
        return convert.current_frame(self._viewer, image)


def _last_project() -> str:
    return str(getattr(settings("label"), "last_project", "") or "-")
