"""The ensemble that a training leaves which was stopped: every member at its best epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.training.checkpointing import CheckpointLog

OUTPUT = "head.4."
"""What the parameters of a network's last layer are called; the common start has one for all."""


class _Best(NamedTuple):
    epoch: int
    common: bool
    weights: Mapping[str, NDArray[Any]]


def best_so_far(
    spec: EnsembleSpec, memory: CheckpointLog, epochs_of: Callable[[str], int], common_epochs: int
) -> Ensemble:
    """Return what has been learned, each member at the epoch of its lowest loss.

    That is the loss on windows kept out of training, where there are any. Members that have no
    epoch of their own yet are what the common start has made of them. Seeds of which members
    are missing are left out, but for the first one; of that, classes are.

    Parameters
    ----------
    spec : EnsembleSpec
        What was to be trained.
    memory : Memory
        What the training has kept.
    epochs_of : callable
        Planned epochs of a class.
    common_epochs : int
        Those of the common start.

    Raises
    ------
    Cancelled
        There is no epoch yet.
    """
    own = {
        seed: {
            name: _Best(found[0], False, found[1])
            for name in spec.classes
            if (found := memory.best(f"{seed} {name}")) is not None
        }
        for seed in spec.seeds
    }
    kept = {seed: found for seed, found in own.items() if len(found) == len(spec.classes)}
    if not kept:
        first = spec.seeds[0]
        kept = {first: {**_from_common_start(spec, memory, first), **own[first]}}
    classes = tuple(name for name in spec.classes if all(name in found for found in kept.values()))
    if not classes:
        raise Cancelled
    weights = {
        f"{index}.{place}.{name}": array
        for index, class_name in enumerate(classes)
        for place, found in enumerate(kept.values())
        for name, array in found[class_name].weights.items()
    }
    stopped = {
        "epochs": {
            name: [_where(found[name], epochs_of(name), common_epochs) for found in kept.values()]
            for name in classes
        },
        "left_out": [name for name in spec.classes if name not in classes],
        "seeds_left_out": [seed for seed in spec.seeds if seed not in kept],
    }
    training = {**spec.training, "stopped": stopped}
    return Ensemble(replace(spec, classes=classes, seeds=tuple(kept), training=training), weights)


def _where(found: _Best, own_epochs: int, common_epochs: int) -> dict[str, Any]:
    """Say at which of how many epochs a member was."""
    of = common_epochs if found.common else own_epochs
    return {"epoch": found.epoch, "of": of, "common_start": found.common}


def stop_note(spec: EnsembleSpec) -> str:
    """Return in words where a training was stopped; "" where it was not."""
    stopped = spec.training.get("stopped")
    if stopped is None:
        return ""
    parts = [f"{', '.join(names)} {where}" for where, names in _by_epoch(stopped["epochs"]).items()]
    text = f"Stopped before the end; kept at the best epoch: {'; '.join(parts)}"
    if stopped["left_out"]:
        text += f"; left out, not begun: {', '.join(stopped['left_out'])}"
    if stopped["seeds_left_out"]:
        text += f"; seeds left out: {', '.join(map(str, stopped['seeds_left_out']))}"
    return f"{text}."


def _by_epoch(epochs: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Collect the classes that stopped alike."""
    found: dict[str, list[str]] = {}
    for name, members in epochs.items():
        numbers = " and ".join(dict.fromkeys(str(each["epoch"]) for each in members))
        of = f"{numbers} of {members[0]['of']}"
        common = f"from the common start at epoch {of}"
        where = common if members[0]["common_start"] else f"at epoch {of}"
        found.setdefault(where, []).append(name)
    return found


def _from_common_start(spec: EnsembleSpec, memory: CheckpointLog, seed: int) -> dict[str, _Best]:
    """Return what the common start of a seed has made of each class, with its own output."""
    common = memory.best(f"{seed} ")
    if common is None:
        return {}
    epoch, weights = common
    return {
        name: _Best(
            epoch,
            True,
            {
                key: np.array(array[column : column + 1]) if key.startswith(OUTPUT) else array
                for key, array in weights.items()
            },
        )
        for column, name in enumerate(spec.classes)
    }
