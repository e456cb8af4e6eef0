"""The verb ``load_model``: an ensemble by its name in the library or by its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.io.models import model_file
from napari_stem_defects.io.models.library import find_model

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.networks.spec import Ensemble


def load_model(model: str | Path) -> Ensemble:
    """Load an ensemble, check its integrity and run its self-test.

    Parameters
    ----------
    model : str or Path
        Name of a pretrained ensemble or of one in the user's library, or a ``.safetensors`` file.

    Returns
    -------
    Ensemble
        The ensemble with its weights; passing it to `detect` several times loads them once.

    Raises
    ------
    ModelError
        There is no such model, its file is damaged or of an unknown format, or the self-test
        fails; one line that names the file. A `ModelError` is an `InputError`.

    Examples
    --------
    >>> ensemble = sd.load_model("sto-001")
    >>> ensemble.spec.classes
    ('Bulk', 'Extra', 'IExtra', 'Mis')
    """
    return model_file.load_model(find_model(model))
