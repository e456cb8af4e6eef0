"""The panel Preprocess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QHBoxLayout

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.placement import calibrate
from napari_stem_defects.napari_plugin.layers.stage_layers import StageLayers
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.file_pixel_size import FilePixelSize
from napari_stem_defects.napari_plugin.panels.common.grey_offer import GreyOffer
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
from napari_stem_defects.napari_plugin.panels.common.panel import (
    Panel,
    button,
    named,
    note,
    show_note,
)
from napari_stem_defects.napari_plugin.panels.common.plain_text import (
    plain_label,
    show_info,
    show_warning,
)
from napari_stem_defects.napari_plugin.panels.common.qt_runner import QtRunners
from napari_stem_defects.napari_plugin.panels.common.settings import save_setting, settings
from napari_stem_defects.napari_plugin.panels.common.shared_state import training_settings
from napari_stem_defects.napari_plugin.panels.preprocess.large_stage import LargeStage
from napari_stem_defects.napari_plugin.panels.preprocess.settings_form import SettingsForm
from napari_stem_defects.napari_plugin.panels.preprocess.stage_thumbnails import StageThumbnails
from napari_stem_defects.napari_plugin.panels.preprocess.view_model import (
    CRYSTALS,
    PRESETS,
    PreprocessViewModel,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_stem_defects.preprocessing.pipeline import Stages

_DEBOUNCE_MS = 60
_PAUSE_MS = 30


class PreprocessWidget(Panel):
    """Shows every stage of the preprocessing while its parameters are adjusted.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer that the panel belongs to.
    """

    title = "Preprocess"

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._runners = QtRunners(self)
        self.view_model = PreprocessViewModel(self._runners.submit)
        self._stages = StageLayers(napari_viewer)
        self._drawing = _timer(self, _PAUSE_MS, self._draw_layer)
        self._debounce = _timer(self, _DEBOUNCE_MS, self._apply)
        self._debounce.setSingleShot(True)
        self._pending: dict[str, Any] = {}
        self._build()
        self._file_pixel_size = FilePixelSize(self.image, self._runners.submit)
        self._connect()
        self._restore_settings()
        self.settings.set_settings(self.view_model.settings)
        self._on_image()

    # Layout

    def _build(self) -> None:
        form = self.add_form()
        self.image = ImageSelector(self._viewer.layers)
        form.addRow("Image", self.image)
        self.add(GreyOffer(self._viewer.layers, self.image))
        self.thumbnails = self.add(StageThumbnails())
        self.large = LargeStage(self)
        form = self.add_form()
        self.preset = named(Choice(), "preset", "Settings to start from")
        self.preset.addItems(["select…", *PRESETS])
        form.addRow("Preset", self.preset)
        self.settings = SettingsForm(form)
        self._build_files()
        self._build_lattice()
        self.warning = note("message")
        self.show_stages = button(
            "Show stages", "run", "Add the five stages as layers that follow the sliders"
        )
        self.remove_stages = button("Remove stages", "cancel", "Remove the layers of the stages")
        row = QHBoxLayout()
        row.setContentsMargins(6, 4, 6, 6)
        row.setSpacing(6)
        row.addWidget(self.show_stages, 2)
        row.addWidget(self.remove_stages, 1)
        self.add_footer(self.warning)
        self._outer.addLayout(row)

    def _build_files(self) -> None:
        self.save = button("Save settings…", "save_settings", "Write the settings to a file")
        self.load = button("Load settings…", "load_settings", "Read settings from a file")
        self.use = button(
            "Use for training", "use_for_training", "Use these settings in Train ensemble"
        )
        self.add_row(self.save, self.load)
        self.add(self.use)

    def _build_lattice(self) -> None:
        self.add_title("Lattice")
        form = self.add_form()
        self.lattice = named(
            plain_label(), "lattice", "Lattice spacings and angle found in the power spectrum"
        )
        self.lattice.setWordWrap(True)
        self.crystal = named(
            Choice(),
            "crystal",
            "Crystal in the image, whose lattice spacing gives the pixel size",
        )
        self.crystal.addItems(["select…", *CRYSTALS])
        self.proposal = named(
            plain_label(), "proposed_pixel_size", "Pixel size of the image if it shows this crystal"
        )
        self.proposal.setWordWrap(True)
        self.calibrate = button(
            "Calibrate image", "calibrate", "Calibrate the image with this pixel size"
        )
        row = QHBoxLayout()
        row.addWidget(self.proposal, 1)
        row.addWidget(self.calibrate)
        form.addRow("Spacings", self.lattice)
        form.addRow("Crystal", self.crystal)
        form.addRow("Pixel size", row)

    def _connect(self) -> None:
        self.image.image_changed.connect(self._on_image)
        self.image.calibrated.connect(self._on_lattice)
        self.settings.changed.connect(self._on_control)
        self.preset.activated.connect(self._on_preset)
        self.save.clicked.connect(self._save)
        self.load.clicked.connect(self._load)
        self.use.clicked.connect(self._use_for_training)
        self.crystal.currentIndexChanged.connect(self._on_lattice)
        self.calibrate.clicked.connect(self._calibrate)
        self.show_stages.clicked.connect(self.start)
        self.remove_stages.clicked.connect(self.stop)
        self.thumbnails.stage_selected.connect(self._stages.choose)
        self.view_model.settings_changed.connect(
            lambda: self.settings.set_settings(self.view_model.settings)
        )
        self.thumbnails.stage_enlarged.connect(self.large.open_at)
        self.view_model.patch_found.connect(self.thumbnails.set_stages)
        self.view_model.patch_found.connect(self.large.set_stages)
        self.view_model.stages_found.connect(self._on_stages)
        self.view_model.lattice_found.connect(self._on_lattice)
        self.view_model.failed.connect(self._on_failed)
        self.connect_until_closed(self._viewer.dims.events.current_step, self._on_image)
        self.add_mouse_callback(self._viewer.mouse_move_callbacks, self._on_mouse)
        self.on_close(self.image.disconnect_layers)
        self.on_close(self._runners.cancel_all)

    def _restore_settings(self) -> None:
        """Start with the stored settings, and store every change."""
        self.view_model.restore(str(getattr(settings("preprocess"), "settings", "") or ""))
        self.view_model.settings_changed.connect(
            lambda: save_setting("preprocess", "settings", self.view_model.text())
        )

    # User actions

    def start(self) -> None:
        """Show the stages of the whole image as layers, and keep them up to date."""
        image = self.image.image
        if image is None:
            self._on_failed("there is no image; open one")
            return
        show_note(self.warning, "computing the stages…")
        self._stages.begin(image)
        self.view_model.live = True
        self.view_model.refresh()

    def stop(self) -> None:
        """Remove the layers of the stages."""
        self.view_model.live = False
        self._drawing.stop()
        self._stages.remove()
        show_note(self.warning, "")

    def _on_control(self, name: str, value: object) -> None:
        self._pending[name] = value
        self._debounce.start()

    def _apply(self) -> None:
        self.view_model.use(self.view_model.settings.to_dict() | self._pending)
        self._pending = {}

    def _on_preset(self, index: int) -> None:
        if index > 0:
            self.view_model.use(PRESETS[self.preset.itemText(index)].to_dict())

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "preprocessing.json")
        if path:
            self.view_model.save(Path(path))

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", "Settings (*.json)")
        if path:
            self.view_model.load(Path(path))

    def _use_for_training(self) -> None:
        training_settings.set(self.view_model.settings)
        show_info("Train ensemble uses these settings")

    def _calibrate(self) -> None:
        image, size = self.image.image, self.view_model.pixel_size_nm(self.crystal.currentText())
        if image is not None and size is not None:
            calibrate(self._viewer, image, size)

    # Reactions to events

    def _on_image(self) -> None:
        image = self.image.image
        show_note(self.warning, "")
        try:
            frame = (
                None
                if image is None
                else convert.frame_input(image, convert.current_frame(self._viewer, image))
            )
        except InputError as error:
            frame = None
            self._on_failed(str(error))
        if image is not None and self.view_model.live:
            self._stages.begin(image)
        self.view_model.show(frame)
        if image is not None and frame is not None:
            height, width = convert.frame_shape(image)
            self.view_model.show_patch_at(height / 2, width / 2)

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        image = self.image.image
        if image is not None and self.is_shown:
            y, x = image.world_to_data(event.position[-image.ndim :])[-2:]
            self.view_model.show_patch_at(float(y), float(x))

    def _on_stages(self, stages: Stages) -> None:
        show_note(self.warning, "")
        self._stages.show(stages)
        self._drawing.start()

    def _draw_layer(self) -> None:
        if not self._stages.make_next():
            self._drawing.stop()

    def _on_lattice(self) -> None:
        image = self.image.image
        size = None if image is None else convert.pixel_size_nm(image)
        self.settings.set_pixel_size(size)
        self.lattice.setText(self.view_model.lattice_text(size))
        proposed = self.view_model.pixel_size_nm(self.crystal.currentText())
        why = self.view_model.why_no_size(self.crystal.currentText()) or "–"
        self.proposal.setText(why if proposed is None else f"{proposed:.5f} nm")
        enable(self.calibrate, proposed is not None, "Choose the crystal of this lattice first.")

    def _on_failed(self, message: str) -> None:
        show_note(self.warning, message)
        show_warning(message)


def _timer(parent: Panel, interval_ms: int, action: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(interval_ms)
    timer.timeout.connect(action)
    return timer
