"""The Python snippets of the README run one after another, as the cells of a notebook."""

from __future__ import annotations

import re
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from crystal_images import crystal_image
from labelled_crystals import click_project
from learning_samples import write_striped_folder
from microscope_samples import dm_bytes

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What is learned is not looked at: networks are trained for few epochs.
SHORT = """
from napari_stem_defects.training import recipes

recipes.PATCH_PRETRAINING_EPOCHS = recipes.MAX_PRETRAINING_EPOCHS = 3
recipes.CLICK_PRETRAINING_EPOCHS, recipes.CLICK_WINDOWS = 2, 400
"""


def write_inputs(folder: Path) -> None:
    """Write the files that the snippets name: an image, a label project, and patches."""
    image = crystal_image(missing=9, size=300, seed=0)
    pixels = np.ascontiguousarray(image.pixels, np.float32)
    (folder / "lamella.dm4").write_bytes(dm_bytes(pixels))
    click_project(folder / "my.labels", image, 7, bulk=4)
    write_striped_folder(folder / "patches", each=8)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_snippets_run_as_a_notebook(tmp_path: Path) -> None:
    snippets = FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(snippets) >= 3
    write_inputs(tmp_path)
    shown = ["micrograph", "detection", "survey", 'sd.load_model("quick.safetensors")']
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(each) for each in (SHORT, *snippets, *shown)]
    nbclient.NotebookClient(
        notebook, timeout=600, startup_timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert (tmp_path / "mine.safetensors").is_file()
    assert (tmp_path / "quick.safetensors").is_file()
    for cell in notebook.cells[-len(shown) :]:
        (output,) = (each for each in cell.outputs if each.output_type == "execute_result")
        assert output.data["text/html"].startswith("<div>")
        assert "Traceback" not in output.data["text/html"]
