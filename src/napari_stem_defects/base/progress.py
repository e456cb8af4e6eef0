"""Progress and cancellation of long-running functions.

A long-running function takes a callback ``report``, calls it after every batch and lets the
exceptions of the callback propagate. The caller decides what the callback does: draw a progress
bar, send an event to a panel, or raise `Cancelled` because the user pressed Cancel.

Steps that also bring data are subclasses of `Progress`, defined next to the types of their data:
`EpochProgress` here, ``CoarseMapProgress`` in `inference.strategy`, ``PartialResultProgress`` in
`detection.frame_result`, and ``ModelSavedProgress`` in `jobs.training_summary`. They cross process
boundaries, so their fields are JSON-safe values, paths, arrays and frozen dataclasses of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Cancelled(Exception):
    """The user cancels the work; raised by the callback, never caught by the work itself."""


class StopAndKeep(Exception):
    """The user stops the training and keeps the result so far; raised by the callback."""


@dataclass(frozen=True)
class Progress:
    """One step of a long-running function.

    Attributes
    ----------
    stage : str
        Name of the stage, as shown to the user ("scanning", "training SF1").
    done, total : int
        Finished and planned units of this stage.
    saving : bool
        Whether the work has stopped early and saves its result; a cancellation waits for it.
    """

    stage: str
    done: int
    total: int
    saving: bool = False


@dataclass(frozen=True, kw_only=True)
class EpochProgress(Progress):
    """The end of one training epoch of one network, with its losses.

    Attributes
    ----------
    class_name : str
        Defect class of the ensemble member; ``""`` for the pretraining that all classes share,
        ``"lesson"`` for the warm-up.
    seed : int
        Seed of the ensemble member.
    epoch : int
        From 1.
    training_loss : float
    validation_loss : float or None
        None without validation windows.
    """

    class_name: str
    seed: int
    epoch: int
    training_loss: float
    validation_loss: float | None


ProgressCallback = Callable[[Progress], None]
"""Function that is called with the progress of a long-running function."""


def silent(progress: Progress) -> None:
    """Ignore the progress; the default callback.

    Parameters
    ----------
    progress : Progress
        Step to ignore.
    """
