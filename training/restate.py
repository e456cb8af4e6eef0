"""Write the descriptions of the bundled models again from their recipes, with identical weights.

For entries that need no training, such as the geometry of the lattice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cdte_110
import sto_001

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.library import BUNDLED
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.networks.model_card import describe_lattice

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.networks.spec import EnsembleSpec


def restate() -> None:
    """Rewrite both model files and their cards; `RuntimeError` if weights would change."""
    for recipe in (cdte_110.RECIPE, sto_001.RECIPE):
        path = BUNDLED / f"{recipe.spec.name}.safetensors"
        ensemble = load_model(path)
        spec = replace(ensemble.spec, lattice_geometry=recipe.spec.lattice_geometry)
        if save_model(replace(ensemble, spec=spec), path).sha256 != ensemble.sha256:
            raise RuntimeError(f"{path.name}: the weights have changed")
        _restate_card(path.with_suffix(".md"), spec)


def _restate_card(path: Path, spec: EnsembleSpec) -> None:
    """Write the lattice into the table of a card, before the hash of the weights."""
    lines = [line for line in path.read_text("utf-8").split("\n") if "| lattice |" not in line]
    place = next(number for number, line in enumerate(lines) if line.startswith("| weights |"))
    lines.insert(place, f"| lattice | {describe_lattice(spec)} |")
    write_bytes(path, "\n".join(lines).encode())


if __name__ == "__main__":
    restate()
