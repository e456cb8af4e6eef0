"""Summary of a training for the Train panel, and the progress step that announces a saved model.

Without the imports of the training itself, so that the panel can import it quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class TrainingSummary:
    """Model file, evaluations and duration of a training.

    Attributes
    ----------
    path : Path
        The model file.
    evaluations : tuple of dict
        Output of `SplitEvaluation.to_dict` for each split, that of the model itself first.
    notes : tuple of str
    seconds : float
    stopped : str
        Where the training was stopped early, in one sentence; "" if it was not.
    """

    path: Path
    evaluations: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    seconds: float
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelSavedProgress(Progress):
    """The step after which the model is saved, while evaluations on other splits follow.

    Attributes
    ----------
    summary : TrainingSummary
        Summary of the model that stays if the user cancels the rest.
    """

    summary: TrainingSummary
