"""Write the descriptions of the bundled models again from their recipes, with identical weights.

For entries that need no training, such as the geometry of the lattice.
"""

from __future__ import annotations

from dataclasses import replace

import cdte_110
import sto_001

from napari_stem_defects.io.models.library import BUNDLED
from napari_stem_defects.io.models.model_file import load_model, save_model


def restate() -> None:
    """Rewrite both model files; raise `RuntimeError` if weights would change."""
    for recipe in (cdte_110.RECIPE, sto_001.RECIPE):
        path = BUNDLED / f"{recipe.spec.name}.safetensors"
        ensemble = load_model(path)
        spec = replace(ensemble.spec, lattice_geometry=recipe.spec.lattice_geometry)
        if save_model(replace(ensemble, spec=spec), path).sha256 != ensemble.sha256:
            raise RuntimeError(f"{path.name}: the weights have changed")


if __name__ == "__main__":
    restate()
