"""Training the binary members of an ensemble, one network per class and seed.

With ``common_epochs`` the members of a seed start from one network that learned all classes at
once, each with its own output of it, and part ways from there. That spares every member from
learning anew what a lattice looks like; with 0 they start from nothing, as in the abstract.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_stem_defects.base.defect_classes import BULK, kind_of
from napari_stem_defects.base.progress import Enough, Progress, Report, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.ensemble import Member, new_member, placed, weights_of
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.best_so_far import OUTPUT, best_so_far
from napari_stem_defects.training.checkpointing import CheckpointLog, State
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

# The abstract's epochs for Bulk and SF1; other defects get SF1's.
EPOCHS = {BULK: 3, "SF1": 9}
OTHER_EPOCHS = 9


@dataclass(frozen=True)
class Schedule:
    """How the members are fitted.

    Attributes
    ----------
    epochs : mapping of str to int
        Passes over the samples per class; classes left out get 3 (Bulk) or 9.
    common_epochs : int
        Passes of the common start; 0 for none.
    seeds : tuple of int
        One member per class for each seed.
    learning_rate : float
        Highest step of Adam; it rises and falls once over a run (Smith and Topin, 2018). Members
        with a common start take a quarter of it.
    batch : int
        Windows per step, at least 2.
    positive_share : float
        Weight of the positive windows in the loss, as a share of all.
    weight_decay : float
    naming : float
        Weight of a second loss of the common start: the cross-entropy of the name of windows
        that show one of Bulk and the extended classes. Yes-or-no answers alone find that there
        is a fault long before they learn its kind.
    lesson_epochs : int
        Passes over the lesson, where `fit` is given one.
    mixed_precision : bool
        Whether the networks compute in bfloat16; faster where the processor knows it. The loss
        and its gradients stay in float32: in bfloat16 the training stalls.
    """

    epochs: Mapping[str, int] = field(default_factory=dict)
    common_epochs: int = 0
    seeds: tuple[int, ...] = (0,)
    learning_rate: float = 2e-3
    batch: int = 128
    positive_share: float = 0.35
    weight_decay: float = 1e-4
    naming: float = 0.0
    lesson_epochs: int = 4
    mixed_precision: bool = False

    def epochs_of(self, class_name: str) -> int:
        """Return the number of passes for a class."""
        return self.epochs.get(class_name, EPOCHS.get(class_name, OTHER_EPOCHS))


def fit(
    spec: EnsembleSpec,
    samples: Samples,
    validation: Samples | None,
    schedule: Schedule,
    *,
    lesson: Samples | None = None,
    start: Ensemble | None = None,
    device: str = "cpu",
    report: Report = silent,
    memory: CheckpointLog | None = None,
    pulse: Callable[[], object] = lambda: None,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Train every member.

    Parameters
    ----------
    spec : EnsembleSpec
        What to train; its seeds are replaced by the schedule's.
    samples, validation : Samples
        Windows to learn from and, if given, to report a validation loss on.
    schedule : Schedule
    lesson : Samples, optional
        Easy windows from which the common start learns first what it would not find among
        hard ones. Classes that the lesson does not teach hold NaN.
    start : Ensemble, optional
        Members that learn on, instead of a common start; of the same description and seeds.
    device : str
        A torch device name.
    report : callable
        Told after every epoch; what it raises ends the run. `Enough` ends it with the best that
        the memory holds so far; see `best_so_far`.
    memory : Memory, optional
        Keeps every epoch; what it remembers already is not trained again.
    pulse : callable
        Called after every batch; may raise what a report may.

    Returns
    -------
    ensemble : Ensemble
    history : list of dict
        Per epoch: class ("" for the common start, "lesson" before it), seed, epoch, loss, and
        validation_loss (None without validation).

    Raises
    ------
    LabelError
        Where the windows say nothing about a class.
    """
    spec = replace(spec, seeds=schedule.seeds)
    _check_known(samples, spec.classes)
    task = _Task(spec, samples, validation, schedule, torch.device(device), lesson, start)
    log = _Log(report, _epochs(task) * len(schedule.seeds), memory or CheckpointLog(None), pulse)
    try:
        of_seeds = [_fit_seed(task, seed, log) for seed in schedule.seeds]
    except Enough:
        best = best_so_far(spec, log.memory, schedule.epochs_of, schedule.common_epochs)
        return best, log.memory.history
    of_classes = [list(members) for members in zip(*of_seeds, strict=True)]
    return Ensemble(spec, weights_of(of_classes)), log.memory.history


def _epochs(task: _Task) -> int:
    """Count the passes of one seed."""
    schedule = task.schedule
    common = 0 if task.start is not None else schedule.common_epochs
    lessons = schedule.lesson_epochs if common and task.lesson else 0
    return lessons + common + sum(schedule.epochs_of(name) for name in task.spec.classes)


def _check_known(samples: Samples, classes: Sequence[str]) -> None:
    for name, known in zip(classes, (~np.isnan(samples.targets)).sum(0), strict=True):
        if known < 2:  # batch norm needs two
            raise LabelError(
                f"{name}: {known} training windows say whether it is there; add labels away from"
                " the images' borders, or leave the class out"
            )


@dataclass(frozen=True)
class _Task:
    """What all members of a run share."""

    spec: EnsembleSpec
    samples: Samples
    validation: Samples | None
    schedule: Schedule
    device: torch.device
    lesson: Samples | None
    start: Ensemble | None


@dataclass
class _Log:
    """Keeps and reports what every epoch came to."""

    report: Report
    total: int
    memory: CheckpointLog
    pulse: Callable[[], object]

    def follow(self, run: _Run, epochs: int, class_name: str, seed: int) -> None:
        name, history = f"{seed} {class_name}", self.memory.history
        for epoch in range(self.memory.resume(name, run, epochs) + 1, epochs + 1):
            step = {"class": class_name, "seed": seed, "epoch": epoch, **run.epoch(self.pulse)}
            history.append(step)
            self.memory.keep(name, run, epoch, epochs)
            stage = f"training {class_name or 'all'}"
            self.report(Progress(stage, len(history), self.total, step))


def _fit_seed(task: _Task, seed: int, log: _Log) -> list[Member]:
    """Train one member per class."""
    classes, schedule = task.spec.classes, task.schedule
    rate = schedule.learning_rate
    common = None
    if task.start is not None:
        rate /= 4
    elif schedule.common_epochs:
        common, rate = _fit_common(task, seed, log), rate / 4
    members = []
    for column, name in enumerate(classes):
        run = _Run(task, (column,), seed)
        if task.start is not None:
            run.network.load_state_dict(_weights_in(task.start, column, seed))
        elif common is not None:
            _start_from(run.network, common, column)
        run.prepare(schedule.epochs_of(name), rate)
        log.follow(run, schedule.epochs_of(name), name, seed)
        members.append(run.network.cpu().eval())
    return members


def _fit_common(task: _Task, seed: int, log: _Log) -> Member:
    """Train one network for all classes, on the lesson first."""
    every, schedule = tuple(range(len(task.spec.classes))), task.schedule
    run = _Run(task, every, seed)
    if task.lesson is not None:
        easy = _Run(replace(task, samples=task.lesson, validation=None), every, seed)
        easy.prepare(schedule.lesson_epochs, schedule.learning_rate)
        log.follow(easy, schedule.lesson_epochs, "lesson", seed)
        run.network.load_state_dict(easy.network.state_dict())
    run.prepare(schedule.common_epochs, schedule.learning_rate)
    log.follow(run, schedule.common_epochs, "", seed)
    return run.network


def _start_from(member: Member, common: Member, column: int) -> None:
    """Give a member the common network, with its own class's output of it."""
    state = common.state_dict()
    for name in state:
        if name.startswith(OUTPUT):
            state[name] = state[name][column : column + 1]
    member.load_state_dict(state)


def _weights_in(ensemble: Ensemble, column: int, seed: int) -> dict[str, Tensor]:
    """Return the tensors of an ensemble's member."""
    prefix = f"{column}.{ensemble.spec.seeds.index(seed)}."
    return _tensors(
        {
            name.removeprefix(prefix): array
            for name, array in ensemble.weights.items()
            if name.startswith(prefix)
        }
    )


class _Run:
    """One network in training for some columns of the targets."""

    def __init__(self, task: _Task, columns: tuple[int, ...], seed: int) -> None:
        # Members differ by class as well as by seed, or their errors would be alike.
        number = 1000 * seed + (columns[0] if len(columns) == 1 else 999)
        self._generator = torch.Generator().manual_seed(number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            network = new_member(task.spec, len(columns))
        self._device = task.device
        self._schedule = task.schedule
        self.network = placed(network, task.device)
        self._samples = _known(task.samples, columns)
        self._validation = None if task.validation is None else _known(task.validation, columns)
        share = task.schedule.positive_share
        self._weights = _balance(self._samples.targets, share, task.device)
        # Names of what fills a whole window; several columns are only there in the common start.
        names = [task.spec.classes[column] for column in columns]
        self._named = [n for n, name in enumerate(names) if kind_of(name) != "point"]

    def prepare(self, epochs: int, learning_rate: float) -> None:
        """Set up the optimiser for a number of epochs."""
        steps = max(1, -(-len(self._samples) // self._schedule.batch)) * epochs
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), weight_decay=self._schedule.weight_decay
        )
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, learning_rate, total_steps=steps + 1
        )

    def epoch(self, pulse: Callable[[], object]) -> dict[str, Any]:
        """Pass once over the samples in a new order; return the losses."""
        self.network.train()
        order = torch.randperm(len(self._samples), generator=self._generator).numpy()
        losses = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self._generator)))
            for start in range(0, len(order), self._schedule.batch):
                chosen = order[start : start + self._schedule.batch]
                if len(chosen) > 1:
                    losses.append(self._step(chosen))
                pulse()
        return {"loss": float(np.mean(losses)), "validation_loss": self._validation_loss()}

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return copies of the network's tensors."""
        return _copies(self.network.state_dict())

    def state(self) -> State:
        """Return copies of all else that the next epoch depends on."""
        optimiser = self._optimiser.state_dict()
        tensors = {"order": self._generator.get_state()}
        for number, entries in optimiser["state"].items():
            tensors |= {f"{number}.{name}": tensor for name, tensor in entries.items()}
        values = {"groups": optimiser["param_groups"], "rate": self._rate.state_dict()}
        return State(_copies(tensors), values)

    def restore(self, weights: Mapping[str, NDArray[Any]], state: State | None) -> None:
        """Take weights over and, where the training goes on from there, a state."""
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
        self._rate.load_state_dict(state.values["rate"])

    def _step(self, chosen: NDArray[np.int64]) -> float:
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self._samples, chosen)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._rate.step()
        return float(loss.detach())

    def _loss(self, samples: Samples, chosen: NDArray[np.int64]) -> Tensor:
        """Return the weighted cross-entropy of some windows over what is known of them."""
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
        halved = self._schedule.mixed_precision
        with torch.autocast(self._device.type, torch.bfloat16, enabled=halved):
            logits = self.network(inputs)
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits.float(), targets, weight, reduction="sum"
        )
        mean = losses / known.sum().clamp(min=1)
        if self._schedule.naming == 0 or len(self._named) < 2:
            return mean
        return mean + self._schedule.naming * _naming_loss(
            logits[:, self._named].float(), (targets * known)[:, self._named]
        )

    def _validation_loss(self) -> float | None:
        if self._validation is None or len(self._validation) == 0:
            return None
        self.network.eval()
        chunks = np.array_split(np.arange(len(self._validation)), -(-len(self._validation) // 1024))
        with torch.inference_mode():
            losses = [float(self._loss(self._validation, chunk)) for chunk in chunks]
        return float(np.average(losses, weights=[len(chunk) for chunk in chunks]))


def _naming_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of the one name that holds, over the windows that have one."""
    one = targets.sum(1) == 1
    losses = nn.functional.cross_entropy(logits[one], targets[one].argmax(1), reduction="sum")
    return losses / one.sum().clamp(min=1)


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()}


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _known(samples: Samples, columns: tuple[int, ...]) -> Samples:
    """Keep the windows of which any of the columns is known, and only those columns."""
    targets = samples.targets[:, columns]
    keep = np.asarray(~np.isnan(targets).all(axis=1))
    if keep.all():
        return Samples(samples.features, targets)
    return Samples(samples.features, targets).only(keep)


def _balance(targets: NDArray[np.float32], positive_share: float, device: torch.device) -> Tensor:
    """Return loss weights (2, columns) of negative and positive windows, mean 1 per column."""
    # Bounded, or one window of a rare class would outweigh a whole batch.
    known = np.maximum((~np.isnan(targets)).sum(0), 1)
    share = np.clip(np.nansum(targets, axis=0) / known, 1e-2, 1 - 1e-2)
    pair = np.stack([(1 - positive_share) / (1 - share), positive_share / share])
    return torch.from_numpy(pair.astype(np.float32)).to(device)
