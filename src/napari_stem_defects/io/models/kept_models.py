"""Models that this process holds from one search to the next."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.io.models.model_file import load_model

if TYPE_CHECKING:
    from napari_stem_defects.networks.spec import Ensemble

_KEPT = 4
_loading = threading.Lock()


def kept_model(path: str | Path) -> Ensemble:
    """Load a model file, or return the ensemble that was loaded from it before.

    A file is loaded again once its time of modification or its size has changed. The last four
    ensembles are kept together with their networks, for all threads.

    Parameters
    ----------
    path : str or Path
        A model file ``.safetensors``.

    Returns
    -------
    Ensemble
        Shared by all callers; to be read only.

    Raises
    ------
    ModelError
        As `load_model`.
    """
    path = Path(path)
    try:
        state = path.stat()
    except OSError:
        return load_model(path)  # states the fault
    with _loading:
        return _load(path.resolve(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=_KEPT)
def _load(path: Path, modified_ns: int, size: int) -> Ensemble:
    return load_model(path)
