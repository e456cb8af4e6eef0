"""The folder of the stages of an image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.results.stages_folder import STAGES, open_stages_folder
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = PreprocessingSettings.paper()
PIXELS = np.zeros((4, 4), np.float32)
ONE, OTHER = (Micrograph(PIXELS, "a", sha256=sha256) for sha256 in ("1", "2"))


def test_further_images_get_folders_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    third = Micrograph(PIXELS, "a", sha256="3")
    found = [open_stages_folder(out, each, SETTINGS) for each in (ONE, OTHER, third, ONE, OTHER)]
    assert found == [out, out / "a", out / "a_2", out, out / "a"]
    about = json.loads((out / "a_2" / STAGES).read_text(encoding="utf-8"))
    assert about["image"]["sha256"] == "3"


def test_what_other_commands_and_earlier_builds_wrote_stays(tmp_path: Path) -> None:
    (tmp_path / "stages.png").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "summary.json").write_text("{}")
    assert open_stages_folder(tmp_path, ONE, SETTINGS) == tmp_path / "a_2"


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="taken"):
        open_stages_folder(tmp_path / "taken", ONE, SETTINGS)
