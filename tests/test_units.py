"""Texts that name a length in px name it in nm, too, where a pixel size can be known.

Lengths are written by `base/lengths.py`; a text that ends a number with "px" itself needs a reason.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "src" / "napari_stem_defects"
PX_ALONE = {
    "base/lengths.py": "writes both units",
    "napari_plugin/panels/detect/setup_form.py": "suffix of a control with nm beside it",
    "napari_plugin/panels/preprocess/settings_form.py": "suffix of a control with nm beside it",
    "napari_plugin/panels/label/panel.py": "size of a file format, for images of any pixel size",
    "napari_plugin/panels/train/panel.py": "settings for images of several pixel sizes",
    "io/labels/patch_folder.py": "size of a file format without a pixel size",
    "api/score.py": "two sizes in px that differ",
    "io/labels/image_owners.py": "two sizes in px that differ",
    "io/scoring/ground_truth.py": "positions and sizes of files whose columns are in px",
    "io/scoring/manifest.py": "a length in nm that is compared with the size of pixels",
    "io/scoring/predictions.py": "two sizes in px that differ",
    "io/datasets/catalogue.py": "size of a file format without a pixel size",
    "io/results/stored_arrays.py": "an error of the program, not of the user",
    "reporting/notebook/image_axes.py": "two sizes in px that differ",
    "io/images/mrc.py": "a damaged header, before a pixel size is read",
    "io/results/formats.py": "an error of the program, not of the user",
    "preprocessing/windows.py": "an error of the program, not of the user",
    "reporting/overview.py": "the next words of the line give the size in nm",
    "reporting/results_page/image_sections.py": "the next words give the size in nm",
    "simulation/any_lattice_scene.py": "these scenes have no pixel size",
    "simulation/simulate.py": "bounds that hold for any pixel size",
}


def texts(module: Path) -> Iterator[str]:
    """Yield the texts of a module without docstrings; values in them become ``0``."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    inner: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            inner |= {id(each.value) for each in body if isinstance(each, ast.Expr)}
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.values
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def test_lengths_in_px_alone_have_a_reason() -> None:
    found = {
        module.relative_to(PACKAGE).as_posix()
        for module in PACKAGE.rglob("*.py")
        for text in texts(module)
        if re.search(r"(\d|^) px\b", text)
    }
    assert found <= set(PX_ALONE), f"use base/lengths.py: {sorted(found - set(PX_ALONE))}"
    assert set(PX_ALONE) <= found, f"no exception is needed: {sorted(set(PX_ALONE) - found)}"
