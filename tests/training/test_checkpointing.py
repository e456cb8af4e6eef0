"""Checkpoints: resuming networks, and the best epoch of a stopped training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.training.checkpointing import (
    Checkpoint,
    CheckpointLog,
    best_ensemble,
    describe_stop,
)
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTPUT = "head.4."
SPEC = EnsembleSpec("toy", ("Bulk", "SF1"), seeds=(0, 1))
SCHEDULE = Schedule(epochs={"Bulk": 4, "SF1": 4}, pretraining_epochs=6)


class Memory:
    """A store that keeps the last checkpoint of every part."""

    def __init__(self) -> None:
        self.parts: dict[str, Checkpoint] = {}

    def load(self, part: str) -> Checkpoint | None:
        return self.parts.get(part)

    def save(self, part: str, state: Checkpoint) -> None:
        self.parts[part] = Checkpoint(dict(state.arrays), dict(state.values))


class Network:
    """A network with one weight and one output per class."""

    def __init__(self, value: float, outputs: int = 1) -> None:
        self.value, self.outputs = value, outputs
        self.restored: Checkpoint | None = None

    def weights(self) -> dict[str, np.ndarray]:
        output = self.value + np.arange(self.outputs, dtype=np.float32)
        return {"a": np.array([self.value], np.float32), f"{OUTPUT}bias": output}

    def state(self) -> Checkpoint:
        return Checkpoint({"order": np.array([self.value])}, {"rate": self.value})

    def restore(self, weights: Mapping[str, np.ndarray], state: Checkpoint | None) -> None:
        self.value, self.restored = float(weights["a"][0]), state


def run(log: CheckpointLog, name: str, losses: list[float], planned: int, **kwargs: Any) -> None:
    """Save the epochs of a network; its weight is the number of the epoch."""
    for epoch, loss in enumerate(losses, 1):
        log.history.append({"loss": 9.0, "validation_loss": loss})
        log.save(name, Network(epoch, **kwargs), epoch, planned)


def stopped(log: CheckpointLog, spec: EnsembleSpec = SPEC) -> Any:
    return best_ensemble(spec, log, SCHEDULE)


def test_without_a_store_nothing_is_kept() -> None:
    log = CheckpointLog(None)
    run(log, "0 Bulk", [1.0], 2)
    assert log.resume("0 Bulk", Network(7), 2) == 0
    assert log.best("0 Bulk") is None


def test_an_unfinished_network_resumes_with_its_state() -> None:
    store = Memory()
    run(CheckpointLog(store, "site"), "0 Bulk", [1.0, 2.0], 4)
    network = Network(0)
    log = CheckpointLog(store, "site")
    assert log.resume("0 Bulk", network, 4) == 2
    assert network.value == 2
    assert network.restored is not None
    assert network.restored.values == {"rate": 2}
    assert len(log.history) == 2
    assert CheckpointLog(store, "random").resume("0 Bulk", network, 4) == 0


def test_a_finished_network_resumes_without_a_state() -> None:
    store, network = Memory(), Network(0)
    log = CheckpointLog(store)
    run(log, "0 Bulk", [1.0, 2.0], 2)
    run(log, "0 SF1", [1.0], 2)
    assert CheckpointLog(store).resume("0 Bulk", network, 2) == 2
    assert (network.value, network.restored) == (2, None)
    names = store.parts[""].arrays
    assert [name for name in names if name.startswith("current/")] == [
        "current/weights/a",
        f"current/weights/{OUTPUT}bias",
        "current/state/order",
    ]
    assert list(store.parts[""].values) == ["epochs", "current", "best", "history"]


@pytest.mark.parametrize(
    ("losses", "best"), [([3.0, 1.0, 2.0], 2), ([np.nan, 5.0], 2), ([1.0, 1.0], 1)]
)
def test_the_best_epoch_has_the_lowest_loss(losses: list[float], best: int) -> None:
    log = CheckpointLog(Memory())
    run(log, "0 Bulk", losses, 9)
    found = log.best("0 Bulk")
    assert found is not None
    assert (found[0], float(found[1]["a"][0])) == (best, best)


def test_without_validation_the_training_loss_counts() -> None:
    log = CheckpointLog(Memory())
    for epoch, loss in enumerate((2.0, 3.0), 1):
        log.history.append({"loss": loss, "validation_loss": None})
        log.save("0 Bulk", Network(epoch), epoch, 4)
    assert (log.best("0 Bulk") or (0,))[0] == 1


def test_seeds_with_missing_members_are_left_out() -> None:
    log = CheckpointLog(Memory())
    run(log, "0 Bulk", [2.0, 1.0, 3.0], 4)
    run(log, "0 SF1", [1.0], 4)
    run(log, "1 Bulk", [1.0], 4)
    ensemble = stopped(log)
    assert ensemble.spec.seeds == (0,)
    assert ensemble.spec.classes == ("Bulk", "SF1")
    assert ensemble.weights["0.0.a"] == 2
    assert ensemble.spec.training["stopped"] == {
        "epochs": {
            "Bulk": [{"epoch": 2, "of": 4, "common_start": False}],
            "SF1": [{"epoch": 1, "of": 4, "common_start": False}],
        },
        "left_out": [],
        "seeds_left_out": [1],
    }
    assert describe_stop(ensemble.spec) == (
        "Stopped before the end; kept at the best epoch: Bulk at epoch 2 of 4;"
        " SF1 at epoch 1 of 4; seeds left out: 1."
    )


def test_members_that_were_not_begun_are_taken_from_the_pretrained_network() -> None:
    log = CheckpointLog(Memory())
    run(log, "0 ", [2.0, 1.0], 6, outputs=2)
    run(log, "0 Bulk", [1.0], 4)
    ensemble = stopped(log)
    np.testing.assert_array_equal(ensemble.weights[f"1.0.{OUTPUT}bias"], [3.0])
    assert ensemble.weights["1.0.a"] == 2
    assert describe_stop(ensemble.spec) == (
        "Stopped before the end; kept at the best epoch: Bulk at epoch 1 of 4;"
        " SF1 from the shared pretraining at epoch 2 of 6; seeds left out: 1."
    )


def test_without_pretraining_classes_that_were_not_begun_are_left_out() -> None:
    log = CheckpointLog(Memory())
    run(log, "0 Bulk", [1.0], 4)
    ensemble = stopped(log)
    assert ensemble.spec.classes == ("Bulk",)
    assert "left out, not begun: SF1" in describe_stop(ensemble.spec)


def test_without_any_epoch_the_run_is_cancelled() -> None:
    with pytest.raises(Cancelled):
        stopped(CheckpointLog(Memory()))


def test_a_complete_training_has_no_stop_to_describe() -> None:
    assert describe_stop(replace(SPEC, training={"windows": 3})) == ""
