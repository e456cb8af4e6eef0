"""Training schedule: epochs, learning rate, batch size and loss weights of the members."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import BULK

if TYPE_CHECKING:
    from collections.abc import Mapping

# The abstract's epochs for Bulk and SF1; other defects get those of SF1.
EPOCHS = {BULK: 3, "SF1": 9}
OTHER_EPOCHS = 9
# Fields whose names in model files and reports are older.
_STORED_NAMES = {
    "pretraining_epochs": "common_epochs",
    "auxiliary_weight": "naming",
    "warm_up_epochs": "lesson_epochs",
}


@dataclass(frozen=True)
class Schedule:
    """How the members are fitted.

    Attributes
    ----------
    epochs : mapping of str to int
        Epochs per class; classes that are missing get 3 (Bulk) or 9.
    pretraining_epochs : int
        Epochs of the shared pretraining; 0 for none.
    seeds : tuple of int
        One member per class for each seed.
    learning_rate : float
        Highest learning rate of Adam; it rises and falls once over a run (one-cycle policy, Smith
        and Topin, 2018). Fine-tuning after pretraining uses a quarter of it.
    batch : int
        Windows per step, at least 2.
    positive_share : float
        Weight of the positive windows in the loss, as a share of all (class imbalance).
    weight_decay : float
    auxiliary_weight : float
        Weight of the auxiliary loss in pretraining: the cross-entropy between Bulk and the
        extended classes, over the windows that show exactly one of them. From the binary losses
        alone the network learns that there is a fault long before it learns its kind.
    warm_up_epochs : int
        Epochs of the warm-up before pretraining, if `fit` is given windows for it.
    mixed_precision : bool
        Whether the networks compute in bfloat16, which is faster on processors that support it.
        The loss and its gradients remain in float32: in bfloat16 the training stalls.
    """

    epochs: Mapping[str, int] = field(default_factory=dict)
    pretraining_epochs: int = 0
    seeds: tuple[int, ...] = (0,)
    learning_rate: float = 2e-3
    batch: int = 128
    positive_share: float = 0.35
    weight_decay: float = 1e-4
    auxiliary_weight: float = 0.0
    warm_up_epochs: int = 4
    mixed_precision: bool = False

    def epochs_for(self, class_name: str) -> int:
        """Return the number of epochs for a class."""
        return self.epochs.get(class_name, EPOCHS.get(class_name, OTHER_EPOCHS))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values with the names used in model files."""
        values = {_STORED_NAMES.get(name, name): value for name, value in vars(self).items()}
        return values | {"epochs": dict(self.epochs)}
