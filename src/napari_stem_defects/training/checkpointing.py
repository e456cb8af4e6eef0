"""What a training keeps so that, whatever ends it, it goes on where it was.

After every epoch the network in training, its optimiser and its random numbers are kept, the
weights of the networks that are finished, and those of every network's best epoch. A training that
goes on from there gives the very bits that it would have given without the break.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FINISHED, _CURRENT, _BEST = "finished", "current", "best"


@dataclass(frozen=True)
class State:
    """Arrays and plain JSON values."""

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)


class Store(Protocol):
    """Where checkpoints are kept; the parts of a training (its splits) are kept apart."""

    def load(self, part: str) -> State | None:
        """Return what was saved last, None where there is nothing that fits this training."""

    def save(self, part: str, state: State) -> None:
        """Keep a state instead of the one before, whole or not at all."""


class Resumable(Protocol):
    """A network in training."""

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Return copies of the network's tensors."""

    def state(self) -> State:
        """Return copies of all that the next epoch depends on, weights left out."""

    def restore(self, weights: Mapping[str, NDArray[Any]], state: State | None) -> None:
        """Take weights over and, where it goes on from there, a state."""


class CheckpointLog:
    """Remembers the networks that one part of a training fits one after another.

    Parameters
    ----------
    store : Store or None
        None remembers nothing.
    part : str

    Attributes
    ----------
    history : list of dict
        What the epochs came to, those before the break included.
    """

    def __init__(self, store: Store | None, part: str = "") -> None:
        self._store, self._part = store, part
        kept = None if store is None else store.load(part)
        self._arrays = {} if kept is None else dict(kept.arrays)
        values = {} if kept is None else kept.values
        self._epochs: dict[str, int] = dict(values.get("epochs", {}))
        self._values: Mapping[str, Any] = values.get(_CURRENT, {})
        self._best: dict[str, list[float]] = dict(values.get(_BEST, {}))
        self.history: list[dict[str, Any]] = list(values.get("history", []))

    def resume(self, name: str, network: Resumable, epochs: int) -> int:
        """Bring a network to where it was; return how many of its epochs are done."""
        done = self._epochs.get(name, 0)
        if 0 < done == epochs:
            network.restore(self._under(f"{_FINISHED}/{name}/"), None)
        elif done:
            state = State(self._under(f"{_CURRENT}/state/"), self._values)
            network.restore(self._under(f"{_CURRENT}/weights/"), state)
        return done

    def keep(self, name: str, network: Resumable, done: int, epochs: int) -> None:
        """Keep a network after an epoch of which ``history`` tells already."""
        if self._store is None:
            return
        self._epochs[name] = done
        self._forget_current()
        weights = network.weights()
        loss = _criterion(self.history[-1])
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
        self._store.save(self._part, State(self._arrays, values))

    def best(self, name: str) -> tuple[int, dict[str, NDArray[Any]]] | None:
        """Return the epoch of a network's lowest loss and its weights then; None without one."""
        if name not in self._best:
            return None
        return int(self._best[name][0]), self._under(f"{_BEST}/{name}/")

    def _forget_current(self) -> None:
        self._values = {}
        for name in [name for name in self._arrays if name.startswith(f"{_CURRENT}/")]:
            del self._arrays[name]

    def _add(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays.update({f"{prefix}{name}": array for name, array in arrays.items()})

    def _under(self, prefix: str) -> dict[str, NDArray[Any]]:
        found = (name for name in self._arrays if name.startswith(prefix))
        return {name.removeprefix(prefix): self._arrays[name] for name in found}


def _criterion(step: Mapping[str, Any]) -> float:
    """Return the loss that tells a network's best epoch; a NaN is worse than any."""
    loss = step["loss"] if step["validation_loss"] is None else step["validation_loss"]
    return float("inf") if math.isnan(loss) else float(loss)
