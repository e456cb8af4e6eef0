"""Checkpoints of a training: resume after an interruption, and early stopping at the best epoch.

After every epoch the checkpoint holds the network in training with its optimiser and its random
state, the weights of the finished networks, and the weights of every network at its best epoch. A
training that is resumed from a checkpoint gives the same bits as one without interruption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.networks.weight_names import is_output_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.training.schedule import Schedule

_FINISHED, _CURRENT, _BEST = "finished", "current", "best"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays and JSON-safe values."""

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)


class CheckpointStore(Protocol):
    """Storage of checkpoints, one for each part of a training (its splits)."""

    def load(self, part: str) -> Checkpoint | None:
        """Return the last checkpoint of a part; None if none fits this training."""

    def save(self, part: str, state: Checkpoint) -> None:
        """Replace the checkpoint of a part atomically."""


class Resumable(Protocol):
    """A network in training."""

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Return copies of the network's tensors."""

    def state(self) -> Checkpoint:
        """Return copies of everything else that the next epoch depends on."""

    def restore(self, weights: Mapping[str, NDArray[Any]], state: Checkpoint | None) -> None:
        """Load weights and, if the training continues from there, the state."""


class CheckpointLog:
    """Checkpoints of the networks that one part of a training fits one after another.

    Parameters
    ----------
    store : CheckpointStore or None
        None keeps no checkpoints.
    part : str
        Name of the part of the training.

    Attributes
    ----------
    history : list of dict
        One entry per epoch, with those before an interruption.
    """

    def __init__(self, store: CheckpointStore | None, part: str = "") -> None:
        self._store, self._part = store, part
        loaded = None if store is None else store.load(part)
        self._arrays = {} if loaded is None else dict(loaded.arrays)
        values = {} if loaded is None else loaded.values
        self._epochs: dict[str, int] = dict(values.get("epochs", {}))
        self._values: Mapping[str, Any] = values.get(_CURRENT, {})
        self._best: dict[str, list[float]] = dict(values.get(_BEST, {}))
        self.history: list[dict[str, Any]] = list(values.get("history", []))

    def resume(self, name: str, network: Resumable, epochs: int) -> int:
        """Restore a network from its checkpoint.

        Parameters
        ----------
        name : str
            Name of the network.
        network : Resumable
        epochs : int
            Planned epochs of the network.

        Returns
        -------
        int
            Number of epochs that are done.
        """
        done = self._epochs.get(name, 0)
        if 0 < done == epochs:
            network.restore(self._under(f"{_FINISHED}/{name}/"), None)
        elif done:
            state = Checkpoint(self._under(f"{_CURRENT}/state/"), self._values)
            network.restore(self._under(f"{_CURRENT}/weights/"), state)
        return done

    def save(self, name: str, network: Resumable, done: int, epochs: int) -> None:
        """Save a network after an epoch, whose losses are the last entry of ``history``.

        Parameters
        ----------
        name : str
            Name of the network.
        network : Resumable
        done, epochs : int
            Finished and planned epochs of the network.
        """
        if self._store is None:
            return
        self._epochs[name] = done
        self._remove_current()
        weights = network.weights()
        loss = _selection_loss(self.history[-1])
        if name not in self._best or loss < self._best[name][1]:
            self._best[name] = [done, loss]
            self._add(f"{_BEST}/{name}/", weights)
        if done == epochs:
            self._add(f"{_FINISHED}/{name}/", weights)
        else:
            state = network.state()
            self._values = state.values
            self._add(f"{_CURRENT}/weights/", weights)
            self._add(f"{_CURRENT}/state/", state.arrays)
        values = {
            "epochs": self._epochs,
            _CURRENT: self._values,
            _BEST: self._best,
            "history": self.history,
        }
        self._store.save(self._part, Checkpoint(self._arrays, values))

    def best(self, name: str) -> tuple[int, dict[str, NDArray[Any]]] | None:
        """Return the epoch with the lowest loss of a network and its weights; None without one."""
        if name not in self._best:
            return None
        return int(self._best[name][0]), self._under(f"{_BEST}/{name}/")

    def _remove_current(self) -> None:
        self._values = {}
        for name in [name for name in self._arrays if name.startswith(f"{_CURRENT}/")]:
            del self._arrays[name]

    def _add(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays.update({f"{prefix}{name}": array for name, array in arrays.items()})

    def _under(self, prefix: str) -> dict[str, NDArray[Any]]:
        found = (name for name in self._arrays if name.startswith(prefix))
        return {name.removeprefix(prefix): self._arrays[name] for name in found}


def _selection_loss(step: Mapping[str, Any]) -> float:
    """Return the loss that selects the best epoch; NaN is the worst."""
    loss = step["loss"] if step["validation_loss"] is None else step["validation_loss"]
    return float("inf") if math.isnan(loss) else float(loss)


class _BestEpoch(NamedTuple):
    epoch: int
    is_pretraining: bool
    weights: Mapping[str, NDArray[Any]]


def best_ensemble(spec: EnsembleSpec, log: CheckpointLog, schedule: Schedule) -> Ensemble:
    """Assemble the ensemble of a stopped training: each member at its epoch of lowest loss.

    The loss is that on validation windows if there are any. Members that were not trained yet are
    the output of the pretrained network for their class. Seeds with missing members are left out,
    except for the first seed, of which the missing classes are left out.

    Parameters
    ----------
    spec : EnsembleSpec
        Description of the planned ensemble.
    log : CheckpointLog
        Checkpoints of the training.
    schedule : Schedule
        Planned epochs.

    Returns
    -------
    Ensemble
        Its ``training["stopped"]`` records the epoch of every member.

    Raises
    ------
    Cancelled
        If no epoch is finished.
    """
    own = {seed: _best_members(spec, log, seed) for seed in spec.seeds}
    kept = {seed: found for seed, found in own.items() if len(found) == len(spec.classes)}
    if not kept:
        first = spec.seeds[0]
        kept = {first: {**_best_pretrained(spec, log, first), **own[first]}}
    classes = tuple(name for name in spec.classes if all(name in found for found in kept.values()))
    if not classes:
        raise Cancelled
    weights = {
        f"{index}.{member}.{name}": array
        for index, class_name in enumerate(classes)
        for member, found in enumerate(kept.values())
        for name, array in found[class_name].weights.items()
    }
    stopped = {
        "epochs": {
            name: [_epoch_record(found[name], name, schedule) for found in kept.values()]
            for name in classes
        },
        "left_out": [name for name in spec.classes if name not in classes],
        "seeds_left_out": [seed for seed in spec.seeds if seed not in kept],
    }
    training = {**spec.training, "stopped": stopped}
    return Ensemble(replace(spec, classes=classes, seeds=tuple(kept), training=training), weights)


def describe_stop(spec: EnsembleSpec) -> str:
    """Describe at which epochs a training was stopped.

    Parameters
    ----------
    spec : EnsembleSpec

    Returns
    -------
    str
        One sentence; "" if the training was not stopped.
    """
    stopped = spec.training.get("stopped")
    if stopped is None:
        return ""
    parts = [f"{', '.join(names)} {epoch}" for epoch, names in _by_epoch(stopped["epochs"]).items()]
    text = f"Stopped before the end; kept at the best epoch: {'; '.join(parts)}"
    if stopped["left_out"]:
        text += f"; left out, not begun: {', '.join(stopped['left_out'])}"
    if stopped["seeds_left_out"]:
        text += f"; seeds left out: {', '.join(map(str, stopped['seeds_left_out']))}"
    return f"{text}."


def _best_members(spec: EnsembleSpec, log: CheckpointLog, seed: int) -> dict[str, _BestEpoch]:
    """Return the best epoch of every member of a seed that has finished one."""
    found = {name: log.best(f"{seed} {name}") for name in spec.classes}
    return {name: _BestEpoch(best[0], False, best[1]) for name, best in found.items() if best}


def _best_pretrained(spec: EnsembleSpec, log: CheckpointLog, seed: int) -> dict[str, _BestEpoch]:
    """Return the pretrained network of a seed for each class, with the output of the class."""
    pretrained = log.best(f"{seed} ")
    if pretrained is None:
        return {}
    epoch, weights = pretrained
    return {
        name: _BestEpoch(
            epoch,
            True,
            {
                key: np.array(array[column : column + 1]) if is_output_layer(key) else array
                for key, array in weights.items()
            },
        )
        for column, name in enumerate(spec.classes)
    }


def _epoch_record(found: _BestEpoch, class_name: str, schedule: Schedule) -> dict[str, Any]:
    """Return the entry of a member in the description of a stopped training."""
    is_own = not found.is_pretraining
    planned = schedule.epochs_for(class_name) if is_own else schedule.pretraining_epochs
    return {"epoch": found.epoch, "of": planned, "common_start": found.is_pretraining}


def _by_epoch(epochs: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Collect the classes that were stopped at the same epochs."""
    found: dict[str, list[str]] = {}
    for name, members in epochs.items():
        numbers = " and ".join(dict.fromkeys(str(each["epoch"]) for each in members))
        epoch = f"at epoch {numbers} of {members[0]['of']}"
        where = f"from the shared pretraining {epoch}" if members[0]["common_start"] else epoch
        found.setdefault(where, []).append(name)
    return found
