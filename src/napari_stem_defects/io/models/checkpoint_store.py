"""``<model>.checkpoint/``: what an unfinished training goes on from.

One ``.safetensors`` file per part of the training, replaced whole after every epoch. Nothing in
it is executed. A checkpoint of other labels, other choices or another version, or a damaged one,
is no checkpoint: the training starts from the beginning.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.training.checkpointing import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_METADATA = "napari_stem_defects_checkpoint"


class CheckpointFolder:
    """The checkpoints of one training.

    Parameters
    ----------
    path : Path
        The folder; made with the first checkpoint.
    training : str
        Names all that shapes the training; a checkpoint of another one is not used.
    """

    def __init__(self, path: Path, training: str) -> None:
        self.path = path
        self._training = training

    def load(self, part: str) -> Checkpoint | None:
        """Return a checkpoint of this training, None where there is none that is whole."""
        try:
            with safe_open(self._file(part), framework="numpy") as file:
                text = (file.metadata() or {}).get(_METADATA, "")
                arrays = {name: file.get_tensor(name) for name in file.keys()}
            header = json.loads(text)
            whole = header["training"] == self._training and header["sha256"] == _hash(arrays)
            return Checkpoint(arrays, header["values"]) if whole else None
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, part: str, state: Checkpoint) -> None:
        """Replace the part's checkpoint.

        Raises
        ------
        OutputError
            The disk is full or the folder may not be written to.
        """
        # safetensors writes the memory as it lies: arrays must be in C order.
        arrays = {name: np.asarray(array, order="C") for name, array in state.arrays.items()}
        header = {
            "training": self._training,
            "sha256": _hash(arrays),
            "values": dict(state.values),
        }
        write_bytes(self._file(part), save(arrays, {_METADATA: json.dumps(header)}))

    def remove(self) -> None:
        """Remove all checkpoints; the training is done, or nobody wants the rest."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, part: str) -> Path:
        return self.path / f"{part}.safetensors"


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
