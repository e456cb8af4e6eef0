"""Losses in a training history."""

from __future__ import annotations

from napari_stem_defects.reporting.losses import (
    EpochLoss,
    consecutive_epochs,
    epoch_losses,
    member_title,
)


def entry(name: str, epoch: int, seed: int = 0) -> dict[str, object]:
    return {"class": name, "seed": seed, "epoch": epoch, "loss": 0.5, "validation_loss": None}


def test_losses_are_read_from_the_history() -> None:
    history = [entry("", 1), {**entry("SF1", 2, seed=3), "validation_loss": 0.25}]
    assert epoch_losses(history) == [
        EpochLoss("", 0, 1, 0.5, None),
        EpochLoss("SF1", 3, 2, 0.5, 0.25),
    ]


def test_the_auxiliary_loss_is_left_out() -> None:
    assert epoch_losses([entry("lesson", 1)]) == []
    names = ("lesson", "", "SF1")
    is_auxiliary = [EpochLoss(name, 0, 1, 0.5, None).is_auxiliary for name in names]
    assert is_auxiliary == [True, False, False]


def test_epochs_of_a_class_follow_the_pretraining_of_its_seed() -> None:
    history = [
        *(
            entry("", epoch, seed)
            for seed, last in ((0, 3), (1, 2))
            for epoch in range(1, last + 1)
        ),
        *(entry("SF1", epoch, seed) for epoch in (1, 2) for seed in (0, 1)),
    ]
    members = consecutive_epochs(epoch_losses(history))
    epochs = {member: [loss.epoch for loss in losses] for member, losses in members.items()}
    assert epochs == {
        ("", 0): [1, 2, 3],
        ("", 1): [1, 2],
        ("SF1", 0): [4, 5],
        ("SF1", 1): [3, 4],
    }


def test_without_pretraining_epochs_start_at_one() -> None:
    (losses,) = consecutive_epochs(epoch_losses([entry("SF1", 1), entry("SF1", 2)])).values()
    assert [loss.epoch for loss in losses] == [1, 2]


def test_members_have_titles() -> None:
    assert [member_title(name) for name in ("", "lesson", "SF1")] == [
        "pretraining",
        "auxiliary loss",
        "SF1",
    ]
