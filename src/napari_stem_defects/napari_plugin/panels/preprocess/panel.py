"""The window "Preprocess"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.stage_layers import StageLayers
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageChoice
from napari_stem_defects.napari_plugin.panels.common.panel import Dock, button, named, note, say
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunner
from napari_stem_defects.napari_plugin.panels.common.settings import keep, settings
from napari_stem_defects.napari_plugin.panels.common.shared_state import training_settings
from napari_stem_defects.napari_plugin.panels.preprocess.settings_form import SettingsForm
from napari_stem_defects.napari_plugin.panels.preprocess.stage_thumbnails import StageStrip
from napari_stem_defects.napari_plugin.panels.preprocess.view_model import (
    CRYSTALS,
    PRESETS,
    PreprocessModel,
)
from napari_stem_defects.workers import pool

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_stem_defects.preprocessing.pipeline import Stages

_DEBOUNCE_MS = 60
_BREATH_MS = 30


class PreprocessWidget(Dock):
    """Shows every stage of the preprocessing while its parameters are changed.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer this window belongs to.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._quick = QtRunner(pool.quick, self)
        self.model = PreprocessModel(self._quick.submit)
        self._stages = StageLayers(napari_viewer)
        self._maker = _timer(self, _BREATH_MS, self._make_layer)
        self._debounce = _timer(self, _DEBOUNCE_MS, self._apply)
        self._debounce.setSingleShot(True)
        self._pending: dict[str, Any] = {}
        self._build()
        self._connect()
        self._remember()
        self.settings.put(self.model.settings)
        self._on_image()

    # Building

    def _build(self) -> None:
        form = self.add_form()
        self.image = ImageChoice(self._viewer.layers)
        form.addRow("Image", self.image)
        self.strip = self.add(StageStrip())
        form = self.add_form()
        self.preset = named(QComboBox(), "preset", "Settings to start from")
        self.preset.addItems(["choose…", *PRESETS])
        form.addRow("Preset", self.preset)
        self.settings = SettingsForm(form)
        self._build_files()
        self._build_lattice()
        self.warning = note("message")
        self.run = button(
            "Show stages", "run", "Add the five stages as layers; they follow the sliders"
        )
        self.cancel = button("Remove", "cancel", "Take the stage layers away again")
        row = QHBoxLayout()
        row.setContentsMargins(6, 4, 6, 6)
        row.addWidget(self.run, 2)
        row.addWidget(self.cancel, 1)
        self.add_footer(self.warning)
        self._outer.addLayout(row)

    def _build_files(self) -> None:
        self.save = button("Save…", "save_settings", "Write these settings to a file")
        self.load = button("Load…", "load_settings", "Read settings from a file")
        self.use = button(
            "Use for training", "use_for_training", "Hand these settings to Train ensemble"
        )
        row = QHBoxLayout()
        for each in (self.save, self.load, self.use):
            row.addWidget(each)
        self._body.addLayout(row)

    def _build_lattice(self) -> None:
        self.add_title("Lattice")
        form = self.add_form()
        self.lattice = named(QLabel(), "lattice", "Spacings and angle found in the power spectrum")
        self.crystal = named(QComboBox(), "crystal", "The crystal whose spacing gives the scale")
        self.crystal.addItems(list(CRYSTALS))
        self.proposal = named(QLabel(), "proposed_pixel_size", "Pixel size that follows")
        self.calibrate = button("Calibrate image", "calibrate", "Give the image this pixel size")
        row = QHBoxLayout()
        row.addWidget(self.proposal, 1)
        row.addWidget(self.calibrate)
        form.addRow("Spacings", self.lattice)
        form.addRow("If it is", self.crystal)
        form.addRow("Pixel size", row)

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.settings.changed.connect(self._on_control)
        self.preset.activated.connect(self._on_preset)
        self.save.clicked.connect(self._save)
        self.load.clicked.connect(self._load)
        self.use.clicked.connect(self._use_for_training)
        self.crystal.currentIndexChanged.connect(self._on_lattice)
        self.calibrate.clicked.connect(self._calibrate)
        self.run.clicked.connect(self.start)
        self.cancel.clicked.connect(self.stop)
        self.strip.stage_chosen.connect(self._stages.choose)
        self.model.settings_changed.connect(lambda: self.settings.put(self.model.settings))
        self.model.patch_found.connect(self.strip.put)
        self.model.stages_found.connect(self._on_stages)
        self.model.lattice_found.connect(self._on_lattice)
        self.model.failed.connect(self._on_failed)
        self.follow(self._viewer.dims.events.current_step, self._on_image)
        self.listen(self._viewer.mouse_move_callbacks, self._on_mouse)
        self.when_closed(self.image.disconnect_layers)
        self.when_closed(self._quick.cancel_all)

    def _remember(self) -> None:
        """Start with the settings chosen last, and keep those chosen from now on."""
        self.model.read(str(getattr(settings("preprocess"), "settings", "") or ""))
        self.model.settings_changed.connect(
            lambda: keep("preprocess", "settings", self.model.text())
        )

    # What the user does

    def start(self) -> None:
        """Show the stages of the whole image as layers, and keep them up to date."""
        image = self.image.image
        if image is None:
            self._on_failed("there is no image: open one first")
            return
        say(self.warning, "computing the stages")
        self._stages.begin(image)
        self.model.live = True
        self.model.refresh()

    def stop(self) -> None:
        """Take the stage layers away."""
        self.model.live = False
        self._maker.stop()
        self._stages.remove()
        say(self.warning, "")

    def _on_control(self, name: str, value: object) -> None:
        self._pending[name] = value
        self._debounce.start()

    def _apply(self) -> None:
        self.model.use(self.model.settings.to_dict() | self._pending)
        self._pending = {}

    def _on_preset(self, index: int) -> None:
        if index > 0:
            self.model.use(PRESETS[self.preset.itemText(index)].to_dict())

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "preprocessing.json")
        if path:
            self.model.save(Path(path))

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", "Settings (*.json)")
        if path:
            self.model.load(Path(path))

    def _use_for_training(self) -> None:
        training_settings.use(self.model.settings)
        show_info("Train ensemble will use these settings")

    def _calibrate(self) -> None:
        image, size = self.image.image, self.model.pixel_size_nm(self.crystal.currentText())
        if image is not None and size is not None:
            convert.set_pixel_size(image, size)
            self._stages.remove()
            self._on_image()

    # What happens

    def _on_image(self) -> None:
        image = self.image.image
        say(self.warning, "")
        try:
            frame = None if image is None else convert.frame_input(image, self._frame_shown())
        except InputError as error:
            frame = None
            self._on_failed(str(error))
        if image is not None and self.model.live:
            self._stages.begin(image)
        self.model.show(frame)
        if image is not None and frame is not None:
            height, width = convert.frame_shape(image)
            self.model.look_at(height / 2, width / 2)

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        image = self.image.image
        if image is not None and self.isVisible():
            y, x = image.world_to_data(event.position[-image.ndim :])[-2:]
            self.model.look_at(float(y), float(x))

    def _on_stages(self, stages: Stages) -> None:
        say(self.warning, "")
        self._stages.show(stages)
        self._maker.start()

    def _make_layer(self) -> None:
        if not self._stages.make_next():
            self._maker.stop()

    def _on_lattice(self) -> None:
        image = self.image.image
        size = None if image is None else convert.pixel_size_nm(image)
        self.lattice.setText(self.model.lattice_text(size))
        proposed = self.model.pixel_size_nm(self.crystal.currentText())
        self.proposal.setText("–" if proposed is None else f"{proposed:.5f} nm")
        self.calibrate.setEnabled(proposed is not None)

    def _on_failed(self, message: str) -> None:
        say(self.warning, message)
        show_warning(message)

    def _frame_shown(self) -> int:
        image = self.image.image
        if image is None or image.ndim < 3:
            return 0
        return min(int(self._viewer.dims.current_step[0]), convert.frame_count(image) - 1)


def _timer(parent: Dock, interval_ms: int, action: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(interval_ms)
    timer.timeout.connect(action)
    return timer
