"""Published tools to hold the networks against, on the same patches and splits.

None is a dependency. AtomAI (Ziatdinov et al., Nature Machine Intelligence 4, 1101, 2022) comes
with ``pip install atomai six``, beside a torchvision that goes with the torch there is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.preprocessing.pipeline import normalise
from napari_stem_defects.training.augmentation import dihedral_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_stem_defects.training.dataset import TrainingSet

# The eight square views of every patch, so often that they make AtomAI's own default of about
# 1000 batches.
VIEWS, PASSES, BATCH = 8, 9, 64


def atomai_classifier(learned: TrainingSet, test: TrainingSet) -> NDArray[np.float32]:
    """AtomAI's classifier (MobileNetV2, one name per patch) on patches of maximum 1."""
    import torch
    from atomai.models import Classifier

    model = Classifier(nb_classes=len(learned.classes), seed=0)
    images = np.concatenate([_images(learned, number) for number in range(VIEWS)])
    names = np.tile(learned.targets.argmax(1), VIEWS)
    with tempfile.TemporaryDirectory() as folder:
        # Its own test set is only reported on; a batch of the training side will do.
        model.fit(
            *(images, names, images[:BATCH], names[:BATCH]),
            training_cycles=PASSES,
            full_epoch=True,
            batch_size=BATCH,
            plot_training_history=False,
            filename=str(Path(folder) / "model"),
        )
    model.net.eval()
    shown = torch.from_numpy(_images(test, 0))[:, None].to(model.device)
    with torch.inference_mode():
        logits = torch.cat([model.net(part) for part in shown.split(BATCH)])
    probabilities: NDArray[np.float32] = logits.softmax(1).cpu().numpy()
    return probabilities


def _images(data: TrainingSet, view: int) -> NDArray[np.float32]:
    patches = [normalise(dihedral_view(data.images[index], view)) for index in data.image]
    return np.stack(patches).astype(np.float32)


PEERS: dict[str, Callable[[TrainingSet, TrainingSet], NDArray[np.float32]]] = {
    "atomai": atomai_classifier,
}
