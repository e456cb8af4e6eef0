"""The panel Train ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
)

from napari_stem_defects.base.defect_classes import colours_of
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.loss_plot import LossPlot
from napari_stem_defects.napari_plugin.panels.common.panel import (
    Panel,
    button,
    named,
    note,
    show_note,
)
from napari_stem_defects.napari_plugin.panels.common.plain_text import (
    set_tooltip,
    show_info,
    show_warning,
)
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunners
from napari_stem_defects.napari_plugin.panels.common.report_window import show_report
from napari_stem_defects.napari_plugin.panels.common.run_row import RunRow
from napari_stem_defects.napari_plugin.panels.common.settings import bind_settings
from napari_stem_defects.napari_plugin.panels.common.shared_state import (
    library_events,
    open_labels,
    training_settings,
)
from napari_stem_defects.napari_plugin.panels.train.class_selection import ClassSelection
from napari_stem_defects.napari_plugin.panels.train.report_summary import ReportSummary
from napari_stem_defects.napari_plugin.panels.train.view_model import TrainViewModel
from napari_stem_defects.preprocessing.settings import IMAGE_REPRESENTATIONS, Representation
from napari_stem_defects.training.recipes import RecipeName, TrainingOptions

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_stem_defects.training.splits import SplitKind

_AUTOMATIC = "automatic"
_QUICK = "quick"
_RECIPE_TOOLTIP = (
    "suited: networks with the settings that suit the labels; abstract: networks as in Marvin et"
    " al.; quick: matched filters from a few clicks in a label project, in seconds; few: networks"
    " from few clicks, which start from any-crystal (suited takes it for up to 40 clicks a class)"
)
_KEEP = "keep the best so far"
_SPLIT_TOOLTIP = (
    "Labels held out together to evaluate the model: site, region and image avoid leakage; random"
    " is as in Marvin et al., with near-copies on both sides"
)


class TrainEnsembleWidget(Panel):
    """Trains an ensemble on label projects and patch folders and shows its report.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer that the panel belongs to; not used.
    """

    title = "Train"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        runners = QtRunners(self)
        self.view_model = TrainViewModel(runners.submit)
        self.on_close(runners.cancel_all)
        self._build_data()
        self._build_options()
        self._build_results()
        self.losses = self.add_footer(LossPlot())
        self.run_row = self.add_footer(
            RunRow(
                self.view_model.run, "Train ensemble", "Train a model and add it to your library"
            )
        )
        self._connect()
        self._on_sources()
        self._on_settings()

    # Layout

    def _build_data(self) -> None:
        self.add_title("Data")
        self.sources = self.add(
            named(QListWidget(), "data", "Label projects and patch folders to train on")
        )
        self.sources.setMaximumHeight(56)
        self.sources.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sources.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.add_data = button(
            "Add data…", "add_data", "Add a label project or a folder of patches"
        )
        self.add_open = button(
            "Add open labels", "add_open_labels", "Add the project that is open in Label patches"
        )
        self.remove_data = button("Remove data", "remove_data", "Remove the selected data source")
        self.add_row(self.add_open, self.add_data, self.remove_data)
        self.add_title("Classes")
        self.classes = self.add(ClassSelection())
        self.no_classes = self.add(note("no_classes"))

    def _build_options(self) -> None:
        form = self.add_form()
        self.name = named(QLineEdit("my-model"), "name", "Name of the model in your library")
        self.recipe = named(Choice(), "recipe", _RECIPE_TOOLTIP)
        self.recipe.addItems(get_args(RecipeName))
        self.representation = named(
            Choice(), "representation", "Input of the networks: spectrum, patch or both"
        )
        self.representation.addItems([_AUTOMATIC, *IMAGE_REPRESENTATIONS])
        self.split = named(Choice(), "split", _SPLIT_TOOLTIP)
        self.split.addItems(["site", "region", "image", "random"])
        self.compare = named(
            QCheckBox("compare with random split"),
            "compare_random",
            "Train again on a random split and show both reports side by side",
        )
        self.preprocessing = note("preprocessing")
        self.members = _spin("members", 1, 16, "Networks per class, whose predictions are averaged")
        self.seed = _spin(
            "seed", 0, 2**31 - 1, "Seed of the random numbers; the same seed gives the same model"
        )
        self.device = named(
            Choice(), "device", "Device to compute on; auto uses a GPU if there is one"
        )
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        form.addRow("Model name", self.name)
        form.addRow("Recipe", self.recipe)
        form.addRow("Network input", self.representation)
        form.addRow("Hold out by", self.split)
        form.addRow(self.compare)
        form.addRow("Members", self.members)
        self.forget_preprocessing = button(
            "Reset preprocessing", "forget_preprocessing", "Discard the settings from Preprocess"
        )
        self.forget_preprocessing.clicked.connect(lambda: training_settings.set(None))
        form.addRow(self.preprocessing)
        form.addRow(self.forget_preprocessing)
        more = self.add_collapsible("More")
        more.addRow("Seed", self.seed)
        self.on_cancel = named(
            Choice(),
            "on_cancel",
            "After Cancel: keep a model of the best parameters so far, evaluated, with a card that"
            " states where it was stopped, or keep nothing",
        )
        self.on_cancel.addItems([_KEEP, "keep nothing"])
        more.addRow("Device", self.device)
        more.addRow("On cancel", self.on_cancel)
        bind_settings("train", self.members, self.split, self.compare, self.device, self.on_cancel)

    def _build_results(self) -> None:
        self.report = self.add(ReportSummary())

    def _connect(self) -> None:
        self.add_data.clicked.connect(self._add)
        self.add_open.clicked.connect(self._add_open)
        self.connect_until_closed(open_labels.changed, self._on_open_labels)
        self.sources.currentRowChanged.connect(self._enable_remove)
        self.remove_data.clicked.connect(self._remove)
        self.run_row.run_clicked.connect(self.start)
        self.report.open_clicked.connect(self._open_report)
        self.connect_until_closed(training_settings.changed, self._on_training_settings)
        self.recipe.currentTextChanged.connect(self._on_recipe)
        self.view_model.sources_changed.connect(self._on_sources)
        self.view_model.losses_changed.connect(
            lambda: self.losses.set_losses(
                self.view_model.losses, colours_of(self.view_model.classes)
            )
        )
        self.view_model.finished.connect(self._on_finished)
        self.view_model.run.failed.connect(show_warning)

    # User actions

    def start(self) -> None:
        """Start a training with the settings shown."""
        self.report.set_evaluations(())
        try:
            options = self._options()
        except InputError as error:
            self.view_model.run.fail(str(error))
            return
        keep_model = self.on_cancel.currentText() == _KEEP
        self.view_model.start(options, self.device.currentText(), keep_model)

    def _options(self) -> TrainingOptions:
        split, network_input = self.split.currentText(), self.representation.currentText()
        compared = ("random",) if self.compare.isChecked() and split != "random" else ()
        return TrainingOptions(
            name=self.name.text().strip(),
            classes=self.classes.classes,
            epochs=self.classes.epochs,
            splits=(cast("SplitKind", split), *compared),
            preprocessing=training_settings.preprocessing,
            representation=None
            if network_input == _AUTOMATIC
            else cast("Representation", network_input),
            recipe=cast("RecipeName", self.recipe.currentText()),
            members=self.members.value(),
            seed=self.seed.value(),
        )

    def _open_report(self) -> None:
        if self.view_model.report is not None:
            show_report(self.view_model.report.path, self)

    def _add(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Add labelled data")
        if folder:
            self.view_model.add_source(Path(folder))

    def _add_open(self) -> None:
        if (folder := self._open_folder()) is not None:
            self.view_model.add_source(folder)

    def _open_folder(self) -> Path | None:
        return None if open_labels.editor is None else open_labels.editor.folder

    def _remove(self) -> None:
        row = self.sources.currentRow()
        if row >= 0:
            self.view_model.remove_source(self.view_model.sources[row])

    # Reactions to events

    def _on_open_labels(self) -> None:
        folder = self._open_folder()
        can_add = folder is not None and folder not in self.view_model.sources
        why_not = "No project is open." if folder is None else "The project is in the list."
        enable(self.add_open, can_add, why_not)

    def _enable_remove(self) -> None:
        enable(self.remove_data, self.sources.currentRow() >= 0, "Select data first.")

    def _on_sources(self) -> None:
        self.sources.clear()
        for path in self.view_model.sources:
            item = QListWidgetItem(path.name)
            set_tooltip(item, str(path))
            self.sources.addItem(item)
        self.sources.setCurrentRow(len(self.view_model.sources) - 1)
        self._on_open_labels()
        self._enable_remove()
        self.classes.set_counts(self.view_model.counts, self.view_model.classes)
        empty = (
            "Add labelled data to select classes." if not self.view_model.sources else "counting…"
        )
        show_note(self.no_classes, "" if self.view_model.counts else empty)

    def _on_recipe(self) -> None:
        """Disable what quick models, which have no networks, make no use of."""
        has_networks = self.recipe.currentText() != _QUICK
        for control in (self.representation, self.split, self.compare, self.members, self.device):
            enable(control, has_networks, "A quick model has no networks.")
        self.classes.enable_epochs(has_networks)
        self._on_settings()

    def _on_training_settings(self) -> None:
        used = training_settings.preprocessing
        self.representation.setCurrentText(_AUTOMATIC if used is None else used.representation)
        self._on_settings()

    def _on_settings(self) -> None:
        used = training_settings.preprocessing
        self.forget_preprocessing.setVisible(used is not None)
        if self.recipe.currentText() == _QUICK:
            show_note(self.preprocessing, "Learns from the clicks of label projects, in seconds.")
            return
        if used is None:
            show_note(
                self.preprocessing, "Preprocessing suited to the labels; change it in Preprocess."
            )
            return
        show_note(
            self.preprocessing,
            f"Settings of Preprocess: patch {used.patch_px} px, {used.window} window,"
            f" smoothing {used.smoothing_px:g} px, background {used.background_px:g} px,"
            f" contrast {used.contrast_px:g} px, threshold {used.threshold:g}.",
        )

    def _on_finished(self) -> None:
        if (report := self.view_model.report) is not None:
            self.report.set_evaluations(report.evaluations, report.stopped)
            library_events.changed.emit(report.path.stem)
            show_info(f"the model {report.path.stem} is now available in Detect defects")


def _spin(name: str, lowest: int, highest: int, tooltip: str) -> QSpinBox:
    spin = named(QSpinBox(), name, tooltip)
    spin.setRange(lowest, highest)
    return spin
