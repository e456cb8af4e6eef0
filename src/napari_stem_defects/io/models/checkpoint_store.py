"""Checkpoints of an unfinished training in the folder ``<model>.checkpoint/``.

Each part of the training has one ``.safetensors`` file, which is replaced in one step after every
epoch and cannot execute code. A checkpoint that is damaged or belongs to other labels, options or
another version is ignored: the training starts from the beginning.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.model_file import hash_arrays
from napari_stem_defects.training.checkpointing import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path


_METADATA = "napari_stem_defects_checkpoint"


class CheckpointFolder:
    """The checkpoints of one training.

    Parameters
    ----------
    path : Path
        The folder; it is created with the first checkpoint.
    training : str
        Identifies the labels, options and version; checkpoints of other trainings are ignored.
    """

    def __init__(self, path: Path, training: str) -> None:
        self.path = path
        self._training = training

    def load(self, part: str) -> Checkpoint | None:
        """Load the checkpoint of a part of this training.

        Parameters
        ----------
        part : str
            Name of the part.

        Returns
        -------
        Checkpoint or None
            None if there is no valid checkpoint.
        """
        try:
            with safe_open(self._file(part), framework="numpy") as file:
                text = (file.metadata() or {}).get(_METADATA, "")
                arrays = {name: file.get_tensor(name) for name in file.keys()}
            header = json.loads(text)
            is_valid = header["training"] == self._training and header["sha256"] == hash_arrays(
                arrays
            )
            return Checkpoint(arrays, header["values"]) if is_valid else None
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, part: str, state: Checkpoint) -> None:
        """Save the checkpoint of a part in one atomic step.

        Parameters
        ----------
        part : str
            Name of the part.
        state : Checkpoint
            The state of the part.

        Raises
        ------
        OutputError
            The disk is full or the folder is not writable.
        """
        # safetensors writes the memory as it is: arrays must be in C order.
        arrays = {name: np.asarray(array, order="C") for name, array in state.arrays.items()}
        header = {
            "training": self._training,
            "sha256": hash_arrays(arrays),
            "values": dict(state.values),
        }
        write_bytes(self._file(part), save(arrays, {_METADATA: json.dumps(header)}))

    def remove(self) -> None:
        """Remove all checkpoints, after the training is finished or abandoned."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, part: str) -> Path:
        return self.path / f"{part}.safetensors"
