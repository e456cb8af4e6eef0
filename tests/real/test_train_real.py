"""The paper's protocol on the public patches, shortened to seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.training.dataset import TrainingSet


@pytest.fixture(scope="module")
def patches(data_dir: Path) -> TrainingSet:
    return read_training_data([data_dir / "patches" / "DataSet_CdTe"])


def test_the_patches_are_crops_of_few_places(patches: TrainingSet) -> None:
    assert patches.counts()["LC"] == 183
    junction = np.array(patches.labels) == "LC"
    assert len(set(patches.source[junction])) == 1
    assert np.ptp(patches.source_y[junction]) < 64


def test_two_members_learn_in_seconds_and_one_place_is_said_to_be_one(
    patches: TrainingSet,
) -> None:
    chosen = np.isin(patches.labels, ["Bulk", "SF1", "Vacancy_CdTe"])
    options = TrainingOptions(
        classes=("SF1", "Vacancy_CdTe"),
        epochs={"SF1": 2, "Vacancy_CdTe": 1},
        splits=("random", "site"),
        recipe="abstract",
    )
    trained = train(patches.subset(chosen), options, device="cpu")
    random, site = trained.evaluations
    assert random.untestable == {}
    assert random.metrics.classes["SF1"].auroc > 0.9
    assert site.untestable == {"SF1": "all 181 labels are of one defect"}
    assert site.metrics.classes["SF1"].tp == site.metrics.classes["SF1"].fn == 0
    assert site.counts["test"]["Vacancy_CdTe"] > 0


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_seven_members_err_as_rarely_as_the_abstracts(patches: TrainingSet) -> None:
    """`python3 run.py test -m long tests/real/test_train_real.py`: two minutes of two cores."""
    trained = train(patches, TrainingOptions(splits=("random",)), device="cpu")
    figures = trained.evaluations[0].metrics.classes
    errors = {name: each.errors for name, each in figures.items()}
    print(errors, f"of {trained.measurements[0].evaluation.windows}, {trained.seconds:.0f} s")
    assert all(errors[name] <= 1 for name in ("LC", "SF1", "SF2", "Twin_Bound"))
    assert all(count <= 4 for count in errors.values())
