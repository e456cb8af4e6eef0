"""The napari manifest is valid, names what exists, and reaches users' machines."""

from __future__ import annotations

from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_stem_defects
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.images.formats import FORMATS
from napari_stem_defects.napari_plugin.reader import SUFFIXES

NAME = "napari-stem-defects"
ROOT = Path(__file__).parents[1]
WIDGETS = {"Preprocess", "Label patches", "Train ensemble", "Detect defects", "All panels"}


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(NAME)


@pytest.mark.gui
def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_names_are_the_contracts(manifest: PluginManifest) -> None:
    assert manifest.name == NAME
    assert manifest.display_name == "STEM Defects"
    assert {widget.display_name for widget in manifest.contributions.widgets or []} == WIDGETS


def test_reader_leaves_tiff_and_png_to_napari(manifest: PluginManifest) -> None:
    patterns = {
        pattern
        for reader in manifest.contributions.readers or []
        for pattern in reader.filename_patterns
    }
    assert {"*.dm3", "*.dm4", "*.emd", "*.ser", "*.mrc", "*.hspy"} <= patterns
    assert not {"*.tif", "*.tiff", "*.png", "*"} & patterns


def test_every_image_format_opens_in_napari(manifest: PluginManifest) -> None:
    """A format that is added to the list must not be unknown to napari."""
    patterns = {
        plugin: {
            pattern
            for reader in each.contributions.readers or []
            for pattern in reader.filename_patterns
        }
        for plugin, each in {
            "ours": manifest,
            "napari": PluginManifest.from_distribution("napari"),
        }.items()
    }
    suffixes = {suffix for each in FORMATS for suffix in each.suffixes}
    assert {f"*{suffix}" for suffix in SUFFIXES} == patterns["ours"] - {f"*{SUMMARY}"}
    # Folders of Zarr have readers of their own; napari names HDF5 but cannot read it.
    known = patterns["ours"] | (patterns["napari"] - {"*.h5", "*.hdf5"}) | {"*.zarr"}
    assert {f"*{suffix}" for suffix in suffixes} <= known


def test_the_manifest_lies_in_the_package_and_at_the_top() -> None:
    inside = Path(napari_stem_defects.__file__).parent / "napari.yaml"
    assert inside.is_file()
    at_top = ROOT / "napari.yaml"
    if at_top.is_symlink():  # a checkout without symbolic links has a one-line text file
        assert at_top.resolve() == inside.resolve()
