"""The window "Train ensemble"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
)

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.panels.common.loss_plot import LossPlot
from napari_stem_defects.napari_plugin.panels.common.panel import Dock, button, named, note, say
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner
from napari_stem_defects.napari_plugin.panels.common.report_window import show_report
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.settings import remember
from napari_stem_defects.napari_plugin.panels.common.shared_state import library, training_settings
from napari_stem_defects.napari_plugin.panels.train.class_selection import TrainingClasses
from napari_stem_defects.napari_plugin.panels.train.report_summary import ReportView
from napari_stem_defects.napari_plugin.panels.train.view_model import TrainModel
from napari_stem_defects.preprocessing.settings import (
    Representation,
)
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.workers import pool

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_stem_defects.training.splits import SplitKind

_AUTOMATIC = "automatic"
_KEEP = "keep the best so far"
_SPLIT_TOOLTIP = (
    "What is held out together to measure the model: defect sites, image regions or images are"
    " honest; random repeats the paper, where near-copies lie on both sides"
)


class TrainEnsembleWidget(Dock):
    """Trains one binary network per class on label projects and patch folders.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer this window belongs to.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        long, quick = QtRunner(pool.long, self), QtRunner(pool.quick, self)
        self.model = TrainModel(long.submit, quick.submit)
        self.when_closed(long.cancel_all)
        self.when_closed(quick.cancel_all)
        self._build_data()
        self._build_options()
        self._build_results()
        self.losses = self.add_footer(LossPlot())
        self.run_row = self.add_footer(
            RunRow(self.model.run, "Train", "Train the ensemble; it goes to your library")
        )
        self._connect()
        self._on_sources()
        self._on_settings()

    # Building

    def _build_data(self) -> None:
        self.add_title("Data")
        self.sources = self.add(
            named(QListWidget(), "data", "Label projects and patch folders to learn from")
        )
        self.sources.setMaximumHeight(56)
        self.add_data = button("Add…", "add_data", "Add a label project or a folder of patches")
        self.remove_data = button("Remove", "remove_data", "Leave the chosen source out")
        row = QHBoxLayout()
        row.addWidget(self.add_data)
        row.addWidget(self.remove_data)
        self._body.addLayout(row)
        self.add_title("Classes")
        self.classes = self.add(TrainingClasses())
        self.no_classes = self.add(note("no_classes"))

    def _build_options(self) -> None:
        form = self.add_form()
        self.name = named(QLineEdit("my-model"), "name", "Name of the model in your library")
        self.representation = named(
            QComboBox(), "representation", "What the networks see: spectrum, patch or both"
        )
        self.representation.addItems([_AUTOMATIC, *get_args(Representation)])
        self.split = named(QComboBox(), "split", _SPLIT_TOOLTIP)
        self.split.addItems(["site", "region", "image", "random"])
        self.compare = named(
            QCheckBox("random beside it"),
            "compare_random",
            "Train a second time on a random split, to show its figures beside the honest ones",
        )
        self.preprocessing = note("preprocessing")
        self.members = _spin("members", 1, 16, "Networks per class; their answers are averaged")
        self.seed = _spin("seed", 0, 2**31 - 1, "The same seed gives the same model again")
        self.device = named(QComboBox(), "device", "Where to compute; auto takes a GPU if present")
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        form.addRow("Model name", self.name)
        form.addRow("Networks see", self.representation)
        form.addRow("Hold out by", self.split)
        form.addRow("", self.compare)
        form.addRow("Members", self.members)
        self.forget = button(
            "As suits the labels", "forget_preprocessing", "Forget the settings from Preprocess"
        )
        self.forget.clicked.connect(lambda: training_settings.use(None))
        form.addRow(self.preprocessing)
        form.addRow(self.forget)
        folded = self.add_folded("More")
        folded.addRow("Seed", self.seed)
        self.on_cancel = named(
            QComboBox(),
            "on_cancel",
            "What Cancel leaves: the best that each member has learned by then, measured and with"
            " a card that says where it was stopped, or nothing",
        )
        self.on_cancel.addItems([_KEEP, "keep nothing"])
        folded.addRow("Device", self.device)
        folded.addRow("On cancel", self.on_cancel)
        remember("train", self.members, self.split, self.compare, self.device, self.on_cancel)

    def _build_results(self) -> None:
        self.report = self.add(ReportView())

    def _connect(self) -> None:
        self.add_data.clicked.connect(self._add)
        self.remove_data.clicked.connect(self._remove)
        self.run_row.run_clicked.connect(self.start)
        self.report.open_clicked.connect(self._open_report)
        self.follow(training_settings.changed, self._on_handed_over)
        self.model.sources_changed.connect(self._on_sources)
        self.model.losses_changed.connect(lambda: self.losses.put(self.model.losses))
        self.model.finished.connect(self._on_finished)
        self.model.run.failed.connect(show_warning)

    # What the user does

    def start(self) -> None:
        """Train, with the settings shown."""
        self.report.put(())
        try:
            choices = self._choices()
        except InputError as error:
            self.model.run.fail(str(error))
            return
        keep_model = self.on_cancel.currentText() == _KEEP
        self.model.start(choices, self.device.currentText(), keep_model)

    def _choices(self) -> TrainingOptions:
        split, seen = self.split.currentText(), self.representation.currentText()
        beside = ("random",) if self.compare.isChecked() and split != "random" else ()
        return TrainingOptions(
            name=self.name.text().strip(),
            classes=self.classes.classes,
            epochs=self.classes.epochs,
            splits=(cast("SplitKind", split), *beside),
            preprocessing=training_settings.preprocessing,
            representation=None if seen == _AUTOMATIC else cast("Representation", seen),
            members=self.members.value(),
            seed=self.seed.value(),
        )

    def _open_report(self) -> None:
        if self.model.report is not None:
            show_report(self.model.report.path, self)

    def _add(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Add labelled data")
        if folder:
            self.model.add_source(Path(folder))

    def _remove(self) -> None:
        row = self.sources.currentRow()
        if row >= 0:
            self.model.remove_source(self.model.sources[row])

    # What happens

    def _on_sources(self) -> None:
        self.sources.clear()
        for path in self.model.sources:
            item = QListWidgetItem(path.name)
            item.setToolTip(str(path))
            self.sources.addItem(item)
        self.classes.put(self.model.counts)
        empty = "Add labelled data to see its classes." if not self.model.sources else "counting…"
        say(self.no_classes, "" if self.model.counts else empty)

    def _on_handed_over(self) -> None:
        used = training_settings.preprocessing
        self.representation.setCurrentText(_AUTOMATIC if used is None else used.representation)
        self._on_settings()

    def _on_settings(self) -> None:
        used = training_settings.preprocessing
        self.forget.setVisible(used is not None)
        if used is None:
            say(self.preprocessing, "Preprocessing as suits the labels; choose it in Preprocess.")
            return
        say(
            self.preprocessing,
            f"Preprocessing from its window: patch {used.patch_px} px, {used.window} window,"
            f" smoothing {used.smoothing_px:g}, background {used.background_px:g},"
            f" contrast {used.contrast_px:g}, threshold {used.threshold:g}.",
        )

    def _on_finished(self) -> None:
        if (report := self.model.report) is not None:
            self.report.put(report.measurements, report.stopped)
            library.changed.emit(report.path.stem)
            show_info(f"model {report.path.stem} is ready in Detect defects")


def _spin(name: str, lowest: int, highest: int, tooltip: str) -> QSpinBox:
    spin = named(QSpinBox(), name, tooltip)
    spin.setRange(lowest, highest)
    return spin
