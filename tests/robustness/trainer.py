"""A process that trains until it is killed, and prints every epoch that is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from napari_stem_defects.api.train import train
from napari_stem_defects.base.progress import EpochProgress, Progress
from napari_stem_defects.training.recipes import TrainingOptions


def print_epoch(step: Progress) -> None:
    if isinstance(step, EpochProgress):
        print("kept", step.class_name, step.epoch, flush=True)


def main(patches: Path, out: Path, epochs: int) -> None:
    # The options of the test, which goes on where this process was killed.
    options = TrainingOptions(
        name="striped",
        epochs={"Bulk": epochs, "SF1": epochs},
        splits=("random",),
        recipe="abstract",
    )
    train([patches], out, options, device="cpu", report=print_epoch)
    print("done", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[4]))
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
