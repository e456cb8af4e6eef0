"""``stem-defects train`` and ``evaluate``: what they print, write and refuse."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from learning_samples import PERIODS, stripes

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models.model_file import read_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("patches")
    for name in ("Bulk", "SF1", "SF2"):
        for number in range(8):
            pixels = np.clip(60 * stripes(PERIODS[name], rng), 0, 255).astype(np.uint8)
            tifffile.imwrite(folder / f"{name}_{number}.tif", pixels)
    return folder


def train(patches: Path, out: Path, *more: str) -> int:
    return main(["train", str(patches), "--out", str(out), *more])


@pytest.mark.usefixtures("short_pretraining")
def test_train_prints_tables_and_evaluate_another(
    patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "striped.safetensors"
    quick = ["--classes", "Bulk,SF1", "--epochs", "Bulk=1,SF1=1", "--seed", "3"]
    assert train(patches, out, *quick, "--split", "random") == 0
    said = capsys.readouterr().out
    # By chance alone is memory; it says so, and never stands alone.
    assert "this tests memory" in said
    assert said.index("Random split") < said.index("Held-out defects")
    assert "1140" not in said  # these windows are too few to compare
    assert [line for line in said.splitlines() if line.startswith("| SF1")]
    assert "SF2" not in {line.split()[1] for line in said.splitlines() if line.startswith("| ")}
    spec, _ = read_spec(out)
    assert (spec.name, spec.classes, spec.seeds) == ("striped", ("Bulk", "SF1"), (3,))
    assert set(spec.figures) == {"random", "site"}
    assert (tmp_path / "striped.report" / "report.md").is_file()

    assert main(["evaluate", str(out), str(patches), "--out", str(tmp_path / "again")]) == 0
    said = capsys.readouterr().out
    assert "this tests memory" in said
    assert (tmp_path / "again" / "report.json").is_file()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--classes", "Bulk,SF9"], "SF9"),
        (["--epochs", "SF9=3"], "SF9"),
        (["--classes", "SF1", "--epochs", "SF2=3"], "SF2"),
        (["--members", "900"], "members"),
        (["--kind", "SF9=line"], "kind of SF9: no label has this class"),
    ],
)
def test_wrong_wishes_are_one_line_and_2(
    patches: Path,
    tmp_path: Path,
    more: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(patches, tmp_path / "m.safetensors", *more) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert expected in line
    assert list(tmp_path.iterdir()) == []


def test_an_image_is_no_training_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "lamella.tif"
    tifffile.imwrite(image, np.zeros((100, 100), np.uint8))
    assert train(image, tmp_path / "m.safetensors") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("stem-defects: lamella.tif: ")
    assert main(["evaluate", "no-such-model", str(image), "--out", str(tmp_path / "r")]) == 2


PRINTS_EPOCHS = """
import sys
from napari_stem_defects.cli.main import main
from napari_stem_defects.training import fit

epoch = fit._NetworkTrainer.epoch

def printing(trainer, *more):
    print("an epoch begins", flush=True)
    return epoch(trainer, *more)

fit._NetworkTrainer.epoch = printing
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT as a POSIX terminal does")
def test_ctrl_c_ends_training_promptly_and_leaves_no_model(patches: Path, tmp_path: Path) -> None:
    arguments = ["train", str(patches), "--out", str(tmp_path / "m.safetensors")]
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS_EPOCHS, *arguments, "--epochs", "Bulk=1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "an epoch begins\n"
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        seconds = time.monotonic() - started
        assert "stopped" in process.stderr.read()
    print(f"Ctrl-C ended the training within {seconds:.2f} s")
    assert process.returncode == 130
    assert seconds < 10  # a second on an idle machine
    # The first epoch was not over; from the second on there is a checkpoint to go on from.
    assert {path.name for path in tmp_path.iterdir()} <= {"m.checkpoint"}


def test_kinds_of_patch_folders_reach_the_model(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "kinds.safetensors"
    quick = ["--classes", "Bulk,SF1", "--epochs", "Bulk=1,SF1=1", "--split", "image"]
    assert train(patches, out, *quick, "--recipe", "abstract", "--kind", "SF1=area") == 0
    spec, _ = read_spec(out)
    assert {each.name: each.kind for each in spec.class_data} == {"Bulk": "bulk", "SF1": "area"}
