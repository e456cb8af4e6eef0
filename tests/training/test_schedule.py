"""Training schedule: default epochs, and the names it is stored with."""

from __future__ import annotations

import json

from napari_stem_defects.training.schedule import Schedule


def test_epochs_are_those_of_the_abstract_by_default() -> None:
    schedule = Schedule(epochs={"LC": 4})
    assert [schedule.epochs_for(name) for name in ("Bulk", "SF1", "LC", "Mis")] == [3, 9, 4, 9]


def test_stored_names_do_not_change() -> None:
    """Model files and reports of earlier versions have these names, in this order."""
    schedule = Schedule(
        epochs={"Bulk": 1},
        pretraining_epochs=2,
        seeds=(3,),
        batch=8,
        auxiliary_weight=0.5,
        warm_up_epochs=6,
    )
    values = json.loads(json.dumps(schedule.to_dict()))
    assert list(values.items()) == [
        ("epochs", {"Bulk": 1}),
        ("common_epochs", 2),
        ("seeds", [3]),
        ("learning_rate", 2e-3),
        ("batch", 8),
        ("positive_share", 0.35),
        ("weight_decay", 1e-4),
        ("naming", 0.5),
        ("lesson_epochs", 6),
        ("mixed_precision", False),
    ]
