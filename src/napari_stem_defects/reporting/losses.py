"""Training losses per epoch, as the files of a report and the panels show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Name in the history of the warm-up on simulated windows with an auxiliary loss.
_AUXILIARY = "lesson"


class EpochLoss(NamedTuple):
    """The losses of one ensemble member after one epoch.

    Attributes
    ----------
    class_name : str
        "" for the pretraining that the members of all classes share.
    seed : int
    epoch : int
        From 1.
    training : float
    validation : float or None
        On windows held out from training; None without such windows.
    """

    class_name: str
    seed: int
    epoch: int
    training: float
    validation: float | None

    @property
    def is_auxiliary(self) -> bool:
        """Whether this is the auxiliary loss, which charts leave out."""
        return self.class_name == _AUXILIARY


def member_title(class_name: str) -> str:
    """Return the title of a member's losses.

    Parameters
    ----------
    class_name : str
        As in a training history.

    Returns
    -------
    str
        The class; "pretraining" for what all classes share.
    """
    return {"": "pretraining", _AUXILIARY: "auxiliary loss"}.get(class_name, class_name)


def epoch_losses(history: Iterable[Mapping[str, Any]]) -> list[EpochLoss]:
    """Return the losses in a training history, without those of the auxiliary loss.

    Parameters
    ----------
    history : iterable of mapping
        One entry per epoch with ``class``, ``seed``, ``epoch``, ``loss`` and ``validation_loss``,
        as in ``report.json``.

    Returns
    -------
    list of EpochLoss
    """
    losses = [
        EpochLoss(step["class"], step["seed"], step["epoch"], step["loss"], step["validation_loss"])
        for step in history
    ]
    return [loss for loss in losses if not loss.is_auxiliary]


def consecutive_epochs(losses: Iterable[EpochLoss]) -> dict[tuple[str, int], list[EpochLoss]]:
    """Group losses by member, and number a member's epochs on from those of its pretraining.

    Parameters
    ----------
    losses : iterable of EpochLoss

    Returns
    -------
    dict of (class_name, seed) to list of EpochLoss
        In the order of the losses.
    """
    members: dict[tuple[str, int], list[EpochLoss]] = {}
    pretrained: dict[int, int] = {}
    for loss in losses:
        if not loss.class_name:
            pretrained[loss.seed] = max(pretrained.get(loss.seed, 0), loss.epoch)
        members.setdefault((loss.class_name, loss.seed), []).append(loss)
    return {
        (name, seed): [
            loss._replace(epoch=loss.epoch + (pretrained.get(seed, 0) if name else 0))
            for loss in member
        ]
        for (name, seed), member in members.items()
    }
