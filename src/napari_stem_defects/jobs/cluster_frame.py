"""Detection in one frame on a machine of a cluster: what it needs there is checked first."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError, ModelError, OutputError, ReadError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.unfinished_folder import is_begun
from napari_stem_defects.jobs.batch_frame import detect_task

if TYPE_CHECKING:
    from napari_stem_defects.jobs.batch_frame import FrameTask

# Network drives show a new folder to other machines after seconds.
_PATIENCE_S = 15.0
_POLL_S = 0.5
_SHARE = "give all machines the same folders"


def detect_on_cluster(task: FrameTask, patience_s: float = _PATIENCE_S) -> None:
    """Search one frame on a machine of a cluster and write its result.

    A frame that has a result already is left alone: a cluster repeats frames whose machine is lost,
    also those that it had finished.

    Parameters
    ----------
    task : FrameTask
    patience_s : float
        How long to wait for a folder that network drives show late, s.

    Raises
    ------
    InputError
        The image, the model or the folder of the results is missing on this machine, or the frame
        cannot be searched.
    """
    _wait_for_folder(task, patience_s)
    if task.folder.finished_frames():
        return
    here = f"on {socket.gethostname()}, a machine of the cluster"
    image, model = task.image.path, task.choice.model
    if not image.exists():
        raise ReadError(one_line(image, f"is missing {here}", _SHARE))
    if model is not None and not model.is_file():
        advice = "name a file in a folder that all machines have by --model"
        raise ModelError(one_line(model, f"is missing {here}", advice))
    detect_task(task)


def _wait_for_folder(task: FrameTask, patience_s: float) -> None:
    """Wait until the folder of the results is there, as the process that began it left it."""
    end = time.monotonic() + patience_s
    while not is_begun(task.folder.path, task.folder.fingerprint):
        if time.monotonic() > end:
            fault = f"is not the folder of the results on {socket.gethostname()}"
            raise OutputError(one_line(task.folder.path, fault, _SHARE))
        time.sleep(_POLL_S)


def lost_frame(task: FrameTask, machines: int) -> InputError:
    """Return the error about a frame whose machines were lost one after another.

    Parameters
    ----------
    task : FrameTask
    machines : int
        How many were lost.

    Returns
    -------
    InputError
    """
    fault = f"{machines} workers were lost while they searched frame {task.frame}"
    advice = "give the workers more memory and run the same command again"
    return InputError(one_line(task.image.path, fault, advice))
