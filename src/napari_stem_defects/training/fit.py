"""Training loop: pretrain the members of a seed together, then fine-tune one network per class.

With ``pretraining_epochs`` the members of a seed start from one network that was pretrained on all
classes at once with one output per class (shared pretraining, warm start). Each member keeps the
output of its class and is fine-tuned. So not every member has to learn from few labels what a
lattice looks like. With 0 epochs the members start from random He-normal weights, as in the
abstract. The loss is the binary cross-entropy over what is known of a window, weighted against
class imbalance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_stem_defects.base.progress import EpochProgress, ProgressCallback, StopAndKeep, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.member import (
    Member,
    collect_weights,
    move_to_device,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.networks.weight_names import is_output_layer, select_member_weights
from napari_stem_defects.training.checkpointing import (
    Checkpoint,
    CheckpointLog,
    best_ensemble,
)
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.training.schedule import Schedule

# Share of the learning rate for fine-tuning after pretraining.
_FINE_TUNING_RATE = 0.25
# Class in the history of the epochs of the warm-up; those of pretraining have "".
_WARM_UP = "lesson"


def fit(
    spec: EnsembleSpec,
    samples: Samples,
    validation: Samples | None,
    schedule: Schedule,
    *,
    warm_up: Samples | None = None,
    initial: Ensemble | None = None,
    device: str = "cpu",
    report: ProgressCallback = silent,
    checkpoints: CheckpointLog | None = None,
    after_batch: Callable[[], object] = lambda: None,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Train every member of an ensemble.

    Parameters
    ----------
    spec : EnsembleSpec
        Description of the ensemble; its seeds are replaced by those of the schedule.
    samples, validation : Samples
        Windows to train on and, if given, to compute a validation loss on.
    schedule : Schedule
    warm_up : Samples, optional
        Easy windows for a warm-up before pretraining, because hard ones alone do not suffice.
        Targets of classes that they do not show are NaN.
    initial : Ensemble, optional
        Members to fine-tune instead of pretraining; of the same description and seeds.
    device : str
        A torch device name.
    report : callable
        Receives an `EpochProgress` after every epoch; an exception that it raises ends the run.
        `StopAndKeep` ends it with the best epochs so far (early stopping, see `best_ensemble`).
    checkpoints : CheckpointLog, optional
        Saves every epoch; epochs that it holds already are not trained again.
    after_batch : callable
        Called after every batch; it may raise the same exceptions as ``report``.

    Returns
    -------
    ensemble : Ensemble
    history : list of dict
        One entry per epoch: class (``""`` for pretraining, ``"lesson"`` for the warm-up), seed,
        epoch, loss, and validation_loss (None without validation windows).

    Raises
    ------
    LabelError
        If the targets of a class are unknown.
    """
    spec = replace(spec, seeds=schedule.seeds)
    _check_known(samples, spec.classes)
    task = _Task(spec, samples, validation, schedule, torch.device(device), warm_up, initial)
    total = _epochs_per_seed(task) * len(schedule.seeds)
    log = _EpochLog(report, total, checkpoints or CheckpointLog(None), after_batch)
    try:
        of_seeds = [_fit_seed(task, seed, log) for seed in schedule.seeds]
    except StopAndKeep:
        return best_ensemble(spec, log.checkpoints, schedule), log.checkpoints.history
    of_classes = [list(members) for members in zip(*of_seeds, strict=True)]
    return Ensemble(spec, collect_weights(of_classes)), log.checkpoints.history


def _epochs_per_seed(task: _Task) -> int:
    schedule = task.schedule
    pretraining = 0 if task.initial is not None else schedule.pretraining_epochs
    warm_up = schedule.warm_up_epochs if pretraining and task.warm_up else 0
    return warm_up + pretraining + sum(schedule.epochs_for(name) for name in task.spec.classes)


def _check_known(samples: Samples, classes: Sequence[str]) -> None:
    for name, known in zip(classes, (~np.isnan(samples.targets)).sum(0), strict=True):
        if known < 2:  # batch norm needs two
            raise LabelError(
                f"{name}: {known} training windows show whether it is present; add labels"
                " away from the images' borders, or leave the class out"
            )


@dataclass(frozen=True)
class _Task:
    """Input of a run that all its members share."""

    spec: EnsembleSpec
    samples: Samples
    validation: Samples | None
    schedule: Schedule
    device: torch.device
    warm_up: Samples | None
    initial: Ensemble | None


@dataclass
class _EpochLog:
    """Trains networks epoch by epoch; saves and reports the losses of every epoch."""

    report: ProgressCallback
    total: int
    checkpoints: CheckpointLog
    after_batch: Callable[[], object]

    def run(self, trainer: _NetworkTrainer, epochs: int, class_name: str, seed: int) -> None:
        """Train the remaining epochs of a network."""
        name, history = f"{seed} {class_name}", self.checkpoints.history
        for epoch in range(self.checkpoints.resume(name, trainer, epochs) + 1, epochs + 1):
            losses = trainer.epoch(self.after_batch)
            history.append({"class": class_name, "seed": seed, "epoch": epoch, **losses})
            self.checkpoints.save(name, trainer, epoch, epochs)
            step = EpochProgress(
                f"training {class_name or 'all'}",
                len(history),
                self.total,
                class_name=class_name,
                seed=seed,
                epoch=epoch,
                training_loss=losses["loss"],
                validation_loss=losses["validation_loss"],
            )
            self.report(step)


def _fit_seed(task: _Task, seed: int, log: _EpochLog) -> list[Member]:
    """Train the members of a seed, one per class."""
    classes, schedule = task.spec.classes, task.schedule
    rate = schedule.learning_rate
    pretrained = None
    if task.initial is not None:
        rate *= _FINE_TUNING_RATE
    elif schedule.pretraining_epochs:
        pretrained, rate = _pretrain(task, seed, log), rate * _FINE_TUNING_RATE
    members = []
    for column, name in enumerate(classes):
        trainer = _NetworkTrainer(task, (column,), seed)
        if task.initial is not None:
            trainer.network.load_state_dict(_member_tensors(task.initial, column, seed))
        elif pretrained is not None:
            trainer.network.load_state_dict(_pretrained_tensors(pretrained, column))
        trainer.prepare(schedule.epochs_for(name), rate)
        log.run(trainer, schedule.epochs_for(name), name, seed)
        members.append(trainer.network.cpu().eval())
    return members


def _pretrain(task: _Task, seed: int, log: _EpochLog) -> Member:
    """Train one network for all classes, after the warm-up if there is one."""
    columns, schedule = tuple(range(len(task.spec.classes))), task.schedule
    trainer = _NetworkTrainer(task, columns, seed)
    if task.warm_up is not None:
        easy = replace(task, samples=task.warm_up, validation=None)
        warm_up = _NetworkTrainer(easy, columns, seed)
        warm_up.prepare(schedule.warm_up_epochs, schedule.learning_rate)
        log.run(warm_up, schedule.warm_up_epochs, _WARM_UP, seed)
        trainer.network.load_state_dict(warm_up.network.state_dict())
    trainer.prepare(schedule.pretraining_epochs, schedule.learning_rate)
    log.run(trainer, schedule.pretraining_epochs, "", seed)
    return trainer.network


def _pretrained_tensors(pretrained: Member, column: int) -> dict[str, Tensor]:
    """Return the tensors of the pretrained network with the output of one class."""
    return {
        name: tensor[column : column + 1] if is_output_layer(name) else tensor
        for name, tensor in pretrained.state_dict().items()
    }


def _member_tensors(ensemble: Ensemble, column: int, seed: int) -> dict[str, Tensor]:
    """Return the tensors of one member of an ensemble."""
    seed_index = ensemble.spec.seeds.index(seed)
    return _tensors(select_member_weights(ensemble.weights, column, seed_index))


class _NetworkTrainer:
    """One network in training for some columns of the targets."""

    def __init__(self, task: _Task, columns: tuple[int, ...], seed: int) -> None:
        # Members differ by class as well as by seed; otherwise their errors would be alike.
        number = 1000 * seed + (columns[0] if len(columns) == 1 else 999)
        self._generator = torch.Generator().manual_seed(number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            network = new_member(task.spec, len(columns))
        self._device = task.device
        self._schedule = task.schedule
        self.network = move_to_device(network, task.device)
        self._samples = _with_known_targets(task.samples, columns)
        self._validation = (
            None if task.validation is None else _with_known_targets(task.validation, columns)
        )
        share = task.schedule.positive_share
        self._weights = _class_weights(self._samples.targets, share, task.device)
        # Columns of the auxiliary loss: classes that fill a window. Only pretraining has several.
        kinds = [task.spec.class_data[column].kind for column in columns]
        self._extended = [n for n, kind in enumerate(kinds) if kind != "point"]

    def prepare(self, epochs: int, learning_rate: float) -> None:
        """Set up the optimiser and its learning rate for a number of epochs."""
        steps = max(1, -(-len(self._samples) // self._schedule.batch)) * epochs
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), weight_decay=self._schedule.weight_decay
        )
        self._scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, learning_rate, total_steps=steps + 1
        )

    def epoch(self, after_batch: Callable[[], object]) -> dict[str, Any]:
        """Train one epoch in a new random order; return the losses."""
        self.network.train()
        order = torch.randperm(len(self._samples), generator=self._generator).numpy()
        losses = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self._generator)))
            for start in range(0, len(order), self._schedule.batch):
                chosen = order[start : start + self._schedule.batch]
                if len(chosen) > 1:
                    losses.append(self._step(chosen))
                after_batch()
        return {"loss": float(np.mean(losses)), "validation_loss": self._validation_loss()}

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return copies of the network's tensors."""
        return _copies(self.network.state_dict())

    def state(self) -> Checkpoint:
        """Return copies of everything else that the next epoch depends on."""
        optimiser = self._optimiser.state_dict()
        tensors = {"order": self._generator.get_state()}
        for number, entries in optimiser["state"].items():
            tensors |= {f"{number}.{name}": tensor for name, tensor in entries.items()}
        values = {"groups": optimiser["param_groups"], "rate": self._scheduler.state_dict()}
        return Checkpoint(_copies(tensors), values)

    def restore(self, weights: Mapping[str, NDArray[Any]], state: Checkpoint | None) -> None:
        """Load weights and, if the training continues from there, the state."""
        self.network.load_state_dict(_tensors(weights))
        if state is None:
            return
        tensors = _tensors(state.arrays)
        self._generator.set_state(tensors.pop("order"))
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, _, entry = name.partition(".")
            entries.setdefault(int(number), {})[entry] = tensor
        groups = state.values["groups"]
        self._optimiser.load_state_dict({"state": entries, "param_groups": groups})
        self._scheduler.load_state_dict(state.values["rate"])

    def _step(self, chosen: NDArray[np.int64]) -> float:
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self._samples, chosen)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._scheduler.step()
        return float(loss.detach())

    def _loss(self, samples: Samples, chosen: NDArray[np.int64]) -> Tensor:
        """Return the weighted binary cross-entropy of some windows over their known targets."""
        inputs = {
            name: torch.from_numpy(array[chosen]).to(
                self._device, memory_format=torch.channels_last
            )
            for name, array in samples.features.items()
        }
        targets = torch.from_numpy(samples.targets[chosen]).to(self._device)
        known = ~torch.isnan(targets)
        targets = torch.nan_to_num(targets)
        weight = torch.where(targets > 0.5, self._weights[1], self._weights[0]) * known
        bfloat16 = self._schedule.mixed_precision
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bfloat16):
            logits = self.network(inputs)
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits.float(), targets, weight, reduction="sum"
        )
        mean = losses / known.sum().clamp(min=1)
        if self._schedule.auxiliary_weight == 0 or len(self._extended) < 2:
            return mean
        return mean + self._schedule.auxiliary_weight * _auxiliary_loss(
            logits[:, self._extended].float(), (targets * known)[:, self._extended]
        )

    def _validation_loss(self) -> float | None:
        if self._validation is None or len(self._validation) == 0:
            return None
        self.network.eval()
        chunks = np.array_split(np.arange(len(self._validation)), -(-len(self._validation) // 1024))
        with torch.inference_mode():
            losses = [float(self._loss(self._validation, chunk)) for chunk in chunks]
        return float(np.average(losses, weights=[len(chunk) for chunk in chunks]))


def _auxiliary_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy between classes, over the windows that show exactly one."""
    one = targets.sum(1) == 1
    losses = nn.functional.cross_entropy(logits[one], targets[one].argmax(1), reduction="sum")
    return losses / one.sum().clamp(min=1)


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()}


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _with_known_targets(samples: Samples, columns: tuple[int, ...]) -> Samples:
    """Keep the windows with a known target in any of the columns, and only these columns."""
    targets = samples.targets[:, columns]
    keep = np.asarray(~np.isnan(targets).all(axis=1))
    if keep.all():
        return Samples(samples.features, targets)
    return Samples(samples.features, targets).subset(keep)


def _class_weights(
    targets: NDArray[np.float32], positive_share: float, device: torch.device
) -> Tensor:
    """Return loss weights (2, columns) of negative and positive windows, mean 1 per column."""
    # Bounded; otherwise one window of a rare class would outweigh a whole batch.
    known = np.maximum((~np.isnan(targets)).sum(0), 1)
    share = np.clip(np.nansum(targets, axis=0) / known, 1e-2, 1 - 1e-2)
    pair = np.stack([(1 - positive_share) / (1 - share), positive_share / share])
    return torch.from_numpy(pair.astype(np.float32)).to(device)
