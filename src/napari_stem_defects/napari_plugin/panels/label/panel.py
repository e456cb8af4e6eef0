"""The window "Label patches"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QMenu, QSizePolicy

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.labels.project import is_label_project
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.label_boxes import BoxLayer
from napari_stem_defects.napari_plugin.layers.label_brush import PaintLayer
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageChoice
from napari_stem_defects.napari_plugin.panels.common.job_state import Run
from napari_stem_defects.napari_plugin.panels.common.panel import Dock, button, named, note, say
from napari_stem_defects.napari_plugin.panels.common.preload import warm_up
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.settings import keep, settings
from napari_stem_defects.napari_plugin.panels.common.shared_state import library, open_labels
from napari_stem_defects.napari_plugin.panels.label.actions import LabelHelpers
from napari_stem_defects.napari_plugin.panels.label.class_buttons import ClassButtons
from napari_stem_defects.napari_plugin.panels.label.label_thumbnails import Thumbnails
from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
from napari_stem_defects.napari_plugin.panels.label.queue_row import QueueRow
from napari_stem_defects.napari_plugin.panels.label.synthetic_defects_form import MadeDefectsForm
from napari_stem_defects.napari_plugin.panels.label.view_model import START_CLASSES, LabelModel
from napari_stem_defects.workers import pool
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.labels.label import Label, LabelledFrame
    from napari_stem_defects.workers.client import Ticket
    from napari_stem_defects.workers.messages import Listener

_TASKS = "napari_stem_defects.jobs.tasks"


class LabelPatchesWidget(Dock):
    """Sets labels by clicks and keeps every one of them on the disk.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer this window belongs to.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        warm_up()
        self._viewer = napari_viewer
        self.model = LabelModel()
        self.queue = LabelQueue(self.model)
        self._runners = {name: QtRunner(getattr(pool, name), self) for name in ("quick", "long")}
        self.run = Run(self._submit)
        self.boxes = BoxLayer(napari_viewer, self.model, self.queue)
        self.brush = PaintLayer(napari_viewer, self.model.paint)
        self._reopen: Callable[[], None] | None = None
        self._hashes: WeakKeyDictionary[Image, str] = WeakKeyDictionary()
        self._build_project()
        self._build_classes()
        self._build_helpers()
        self.run_row = self.add_footer(
            RunRow(self.run, "Import…", "Add a folder of patches, or a table of points (.csv)")
        )
        self._build_import()
        self._connect()
        self._on_project()
        self._on_image()

    # Building

    def _build_project(self) -> None:
        new = button("New", "new_project", "Make a label project in a new folder")
        menu = QMenu(new)
        for title, classes in START_CLASSES.items():
            menu.addAction(title, lambda classes=classes: self._new(classes))
        new.setMenu(menu)
        opening = button("Open…", "open_project", "Open a label project's folder")
        opening.clicked.connect(self._open)
        self.project_name = named(QLabel(), "project", "The label project; every label is in it")
        self.project_name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.addWidget(self.project_name, 1)
        row.addWidget(new)
        row.addWidget(opening)
        self.image = ImageChoice(self._viewer.layers)
        self.known_images = named(
            QComboBox(), "project_images", "Images the project keeps; choosing one shows it"
        )
        self.known_images.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        form = self.add_form()
        form.addRow("Project", row)
        form.addRow("Its images", self.known_images)
        form.addRow("Image", self.image)
        self.warning = self.add(note("warning"))
        self.resume = self.add(button("Resume", "resume", "Open the project opened last"))

    def _build_classes(self) -> None:
        self.add_title("Classes")
        self.classes = self.add(ClassButtons(self.model))
        self.thumbnails = self.add(Thumbnails(self.model))
        self.hint = self.add(note("hint"))
        self.paint = button("Paint", "paint", "Paint a region; labels of the class fill it")
        self.paint.setCheckable(True)
        self.undo = button("Undo", "undo", "Take the last change back (Ctrl+Z)")
        self.redo = button("Redo", "redo", "Do it again (Ctrl+Shift+Z)")
        self.export = button("Export…", "export", "Write every label as a patch of 64 x 64 px")
        row = QHBoxLayout()
        for each in (self.paint, self.undo, self.redo, self.export):
            row.addWidget(each)
        self._body.addLayout(row)

    def _build_helpers(self) -> None:
        self.add_title("Next to label")
        self.asking = self.add(QueueRow(self.queue))
        self.defects = MadeDefectsForm(self.add_folded("Make point defects"))
        self.helpers = LabelHelpers(self._viewer, self.model, self.queue, self.run, self.image)

    def _build_import(self) -> None:
        menu = QMenu(self)
        self.import_folder = menu.addAction("Folder of patches…", self._import_folder)
        self.import_table = menu.addAction("Table of points (.csv)…", self._import_table)
        self.run_row.start.setMenu(menu)

    def _submit(self, job: Job, listener: Listener) -> Ticket:
        """Look for windows where torch is loaded, do all else where nothing is waited for."""
        runner = self._runners["long" if job.function.endswith(":suggest_labels") else "quick"]
        return runner.submit(job, listener)

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.known_images.activated.connect(self._show_known)
        self.classes.chosen.connect(self.boxes.activate)
        self.undo.clicked.connect(self.model.undo)
        self.redo.clicked.connect(self.model.redo)
        self.export.clicked.connect(self._export)
        self.resume.clicked.connect(lambda: self._resume(Path(_last_project())))
        self.paint.toggled.connect(self._on_paint)
        self.thumbnails.label_chosen.connect(self._go_to)
        self.asking.find_clicked.connect(self._find_next)
        self.helpers.found.connect(self.boxes.activate)
        self.asking.answered.connect(self.boxes.activate)
        self.defects.make.clicked.connect(self._make_defects)
        self.follow(library.changed, self.asking.ensemble.reload)
        self.queue.changed.connect(self._on_queue)
        self.run.changed.connect(self._on_run)
        self.run.failed.connect(show_warning)
        self.model.project_changed.connect(self._on_project)
        self.model.labels_changed.connect(self.boxes.draw)
        self.model.classes_changed.connect(self.boxes.draw)
        self.model.failed.connect(self._on_failed)
        self.follow(self._viewer.dims.events.current_step, self._on_frame_shown)
        self.model.classes_changed.connect(self._on_classes)
        runners = self._runners.values()
        for farewell in (
            self.image.disconnect_layers,
            *(runner.cancel_all for runner in runners),
            self.model.close,
            lambda: open_labels.drop(self.model),
        ):
            self.when_closed(farewell)
        for keys, action in (("Ctrl+Z", self.model.undo), ("Ctrl+Shift+Z", self.model.redo)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(action)

    # What the user does

    def _new(self, classes: tuple[str, ...]) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New label project", "my labels")
        if path:
            self.model.create(Path(path), classes)

    def _open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open a label project")
        if folder:
            self._resume(Path(folder))

    def _resume(self, folder: Path) -> None:
        """Open a project where it was left: the image and the class of its newest label."""
        self.model.open(folder)
        newest = self.model.newest
        if newest is not None:
            self.model.activate(newest.class_name)
            if not self.model.labels:
                self._show_frame_of(newest)
        elif self.model.images and self.image.image is None:
            self._show_known(0)

    def _import_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Import a folder of patches")
        if folder:
            self.import_labels(Path(folder))

    def _import_table(self) -> None:
        table, _ = QFileDialog.getOpenFileName(self, "Import points", "", "Tables (*.csv)")
        if table:
            self.import_labels(Path(table))

    def import_labels(self, source: Path) -> None:
        """Import patches or points, their places looked for in the image shown."""
        if self.model.project is None:
            self.model.failed.emit("no label project is open; make a new one or open one first")
            return
        image, project = self.image.image, self.model.project.path
        path = None if image is None else image.source.path
        images = [] if path is None else [Path(path)]
        self._reopen = self.model.aside()  # the worker writes to it meanwhile
        arguments = {"project": project, "sources": [source], "images": images}
        self.run.start(
            Job(f"{_TASKS}:import_labels", arguments, subject=source.name), self.run.finish
        )

    def _export(self) -> None:
        if self.model.project is None:
            self.model.failed.emit("no label project is open; make a new one or open one first")
            return
        folder = QFileDialog.getSaveFileName(self, "New folder for the patches", "patches")[0]
        if folder:
            arguments = {"project": self.model.project.path, "out": Path(folder)}
            self.run.start(
                Job(f"{_TASKS}:export_labels", arguments, subject="export"),
                lambda count: self.run.finish(f"{count} patches written to {folder}"),
            )

    def _go_to(self, label: Label) -> None:
        """Show a label's image and frame, its place in the middle, and mark it."""
        image = self._show_frame_of(label)
        if image is not None:
            convert.look_at(self._viewer, image, label.y, label.x)
            self.model.select(label.id)
            self.boxes.activate()

    def _show_frame_of(self, label: Label) -> Image | None:
        keys = [(frame.sha256, frame.frame) for frame in self.model.images]
        self._show_known(keys.index((label.image, label.frame)))
        image = self.image.image
        if image is not None and image.ndim == 3:
            self._viewer.dims.set_current_step(0, label.frame)
        return image

    def _find_next(self) -> None:
        self.helpers.find_next(self.asking.ensemble.entry, self._frame_shown())

    def _make_defects(self) -> None:
        self.helpers.add_synthetic_defects(self.defects.wanted, self._frame_shown())

    def _show_known(self, index: int) -> None:
        frame = self.model.images[index]
        layer = self._layer_of(frame)
        if layer is None and self.model.project is not None:
            try:
                micrograph = self.model.project.micrograph(frame.sha256, frame.frame)
            except InputError as error:
                self.model.failed.emit(str(error))
                return
            data, keywords, _ = convert.image_layer(micrograph)
            keywords["metadata"][convert.METADATA_KEY]["frame"] = frame.frame
            layer = self._viewer.add_image(data, **keywords)
        if layer is not None:
            self.image.choose(layer)

    def _layer_of(self, frame: LabelledFrame) -> Image | None:
        for layer in self.image.images:
            origin = layer.metadata.get(convert.METADATA_KEY, {})
            sha256 = self._hashes.get(layer) or origin.get("sha256")
            if sha256 == frame.sha256 and (
                layer.ndim == 3 or origin.get("frame", 0) == frame.frame
            ):
                return layer
        return None

    # What happens

    def _on_paint(self, on: bool) -> None:
        image = self.image.image
        if on and image is not None and self.model.project is not None:
            self.brush.begin(image, self.model.colours.get(self.model.active_class, "#ffffff"))
        else:
            self.paint.setChecked(False)
            self.brush.end()
            self.boxes.activate()

    def _on_classes(self) -> None:
        self.brush.recolour(self.model.colours.get(self.model.active_class, "#ffffff"))
        self.defects.put_classes([entry.name for entry in self.model.classes])

    def _on_queue(self) -> None:
        asked, image = self.queue.current, self.image.image
        if asked is not None and image is not None:
            convert.look_at(self._viewer, image, asked.y, asked.x)
        self.boxes.draw()

    def _on_run(self) -> None:
        if self._reopen is not None and not self.run.busy:
            reopen, self._reopen = self._reopen, None
            reopen()

    def _on_image(self) -> None:
        image = self.image.image
        try:
            micrograph = None if image is None else convert.whole_input(image).micrograph()
        except InputError as error:
            micrograph = None
            self.model.failed.emit(str(error))
        if image is not None and micrograph is not None:
            self._hashes[image] = micrograph.sha256
        self.paint.setChecked(False)
        self.queue.clear()
        self.boxes.follow(image)
        self.model.show(micrograph, self._frame_shown())

    def _on_frame_shown(self) -> None:
        self.model.show_frame(self._frame_shown())

    def _on_project(self) -> None:
        project = self.model.project
        self.project_name.setText("none open" if project is None else project.path.name)
        self.known_images.clear()
        self.known_images.addItems([_title(frame) for frame in self.model.images])
        self.known_images.setEnabled(bool(self.model.images))
        say(self.warning, "")
        say(self.hint, _hint(project is not None))
        if self.boxes.layer is None:
            self.boxes.follow(self.image.image)
        self._offer_last()
        if project is None:
            open_labels.drop(self.model)
        else:
            keep("label", "last_project", str(project.path))
            open_labels.use(self.model)

    def _offer_last(self) -> None:
        last = _last_project()
        self.resume.setText(f"Resume {Path(last).name}")
        self.resume.setVisible(self.model.project is None and is_label_project(last))

    def _on_failed(self, message: str) -> None:
        say(self.warning, message)
        show_warning(message)

    def _frame_shown(self) -> int:
        image = self.image.image
        if image is None:
            return 0
        if image.ndim < 3:
            return int(image.metadata.get(convert.METADATA_KEY, {}).get("frame", 0))
        return min(int(self._viewer.dims.current_step[0]), convert.frame_count(image) - 1)


def _title(frame: LabelledFrame) -> str:
    return f"{frame.name} [{frame.frame}]" if frame.stack else frame.name


def _last_project() -> str:
    return str(getattr(settings("label"), "last_project", "") or "-")


def _hint(has_project: bool) -> str:
    if not has_project:
        return "Make a new project or open one; then every click on the image is a label."
    return (
        "Click sets a label, drag its centre to move it, right-click or Delete removes it,"
        " 1-9 choose the class."
    )
