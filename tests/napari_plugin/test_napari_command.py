"""``napari FILE -w napari-stem-defects`` opens file and panels; settings persist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from microscope_samples import dm_bytes
from napari import settings

pytestmark = pytest.mark.gui
PLUGIN = "napari-stem-defects"
# napari before 0.9 keeps no settings for plugins.
REMEMBERS = hasattr(settings, "get_plugin_settings")


def napari(tmp_path: Path, *words: str) -> str:
    command = [
        sys.executable,
        str(Path(__file__).parents[1] / "helpers" / "napari_command.py"),
        *words,
    ]
    environment = os.environ | {"NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_file_and_panels_from_the_shell(tmp_path: Path) -> None:
    path = tmp_path / "lamella.dm4"
    path.write_bytes(dm_bytes(np.ones((80, 90), np.float32)))
    opened = "[('lamella', 'nanometer', 0.02)]"
    first, kept = (8, 5) if REMEMBERS else ("forgotten", "forgotten")
    assert napari(tmp_path, str(path), "-w", PLUGIN) == f"{opened} ['Preprocess'] {first}"
    everything = "['Detect defects', 'Label patches', 'Preprocess', 'Train ensemble']"
    all_panels = napari(tmp_path, str(path), "-w", PLUGIN, "__all__")
    assert all_panels == f"{opened} {everything} {kept}"
