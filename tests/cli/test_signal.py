"""``--signal``: the same choice, and the same refusal, in all commands that read images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_line import one_line
from learning_samples import PERIODS, stripes
from small_model import write_small_model

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject

REFUSAL = "has no signal 'EELS'; there are: 0 HAADF, 1 ABF"


def write_signals(path: Path, pixels: np.ndarray) -> Path:
    """Write an OME-TIFF of two images; the second is the first, inverted."""
    with tifffile.TiffWriter(path, ome=True) as file:
        for name, values in (("HAADF", pixels), ("ABF", 255 - pixels)):
            file.write(values, photometric="minisblack", metadata={"axes": "YX", "Name": name})
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (128, 160), np.uint8)
    return write_signals(tmp_path / "image.ome.tif", pixels)


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    folder, rng = tmp_path / "patches", np.random.default_rng(0)
    for name in ("Bulk", "SF1"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.clip(60 * stripes(PERIODS[name], rng), 0, 255).astype(np.uint8)
            write_signals(folder / name / f"{number}.tif", pixels)
    return folder


@pytest.fixture
def points(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text("y_px,x_px,class\n10,20,Vac\n", "utf-8")
    return tmp_path / "points.csv"


def words_of(command: str, folder: Path, image: Path, patches: Path, points: Path) -> list[str]:
    out, model = str(folder / "out"), str(folder / "small.safetensors")
    return {
        "info": ["info", str(image)],
        "detect": ["detect", str(image), "--out", out, "--model", model, "--pixel-size", "0.027"],
        "survey": ["survey", str(image), "--out", out],
        "preprocess": ["preprocess", str(image), "--out", out],
        "labels": ["labels", "import", out, str(points), "--image", str(image)],
        "labels of patches": ["labels", "import", out, str(patches)],
        "train": ["train", str(patches), "--out", f"{out}.safetensors"],
        "evaluate": ["evaluate", model, str(patches), "--out", out],
    }[command]


@pytest.mark.parametrize(
    "command",
    [
        *("info", "detect", "survey", "preprocess", "labels", "labels of patches"),
        *("train", "evaluate"),
    ],
)
def test_a_signal_that_is_not_there_is_refused_with_the_same_line(
    command: str,
    tmp_path: Path,
    image: Path,
    patches: Path,
    points: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_small_model(tmp_path / "small.safetensors")
    words = words_of(command, tmp_path, image, patches, points)
    assert main([*words, "--signal", "EELS"]) == 2
    name = "0.tif" if "patches" in " ".join(words) else "image.ome.tif"
    line = one_line(capsys.readouterr().err).removeprefix("stem-defects: ")
    assert line.startswith(f"{name}: ")
    assert REFUSAL in line


def test_patches_and_images_are_read_of_the_chosen_signal(
    tmp_path: Path, image: Path, patches: Path, points: Path
) -> None:
    project = tmp_path / "chosen.labels"
    chosen = ["--image", str(image), "--signal", "ABF"]
    assert main(["labels", "import", str(project), str(points), *chosen]) == 0
    assert main(["labels", "import", str(project), str(patches), "--signal", "1"]) == 0
    with LabelProject.open(project, read_only=True) as opened:
        frames = {micrograph.name: micrograph.pixels for micrograph, _ in opened.by_frame()}
    expected = tifffile.imread(image, series=1)
    assert any(np.array_equal(pixels, expected) for pixels in frames.values())
    inverted = 255 - tifffile.imread(patches / "SF1" / "3.tif", series=0)
    assert any(np.array_equal(pixels, inverted) for pixels in frames.values())
    default, other = read_patch_folder(patches), read_patch_folder(patches, "ABF")
    np.testing.assert_array_equal(other.patches, 255 - default.patches)


@pytest.mark.usefixtures("short_pretraining")
def test_training_takes_the_chosen_signal_of_patches(
    patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "m.safetensors"
    words = ["train", str(patches), "--out", str(model), "--epochs", "Bulk=1,SF1=1"]
    assert main([*words, "--signal", "ABF"]) == 0
    capsys.readouterr()
    again = ["evaluate", str(model), str(patches), "--out", str(tmp_path / "again")]
    assert main([*again, "--signal", "1"]) == 0
    assert "SF1" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_label_project_has_no_signals_left_to_choose(
    command: str, tmp_path: Path, image: Path, points: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "own.labels"
    assert main(["labels", "import", str(project), str(points), "--image", str(image)]) == 0
    capsys.readouterr()
    model = str(write_small_model(tmp_path / "small.safetensors"))
    words = {
        "train": ["train", str(project), "--out", str(tmp_path / "new.safetensors")],
        "evaluate": ["evaluate", model, str(project), "--out", str(tmp_path / "out")],
    }[command]
    assert main([*words, "--signal", "ABF"]) == 2
    line = one_line(capsys.readouterr().err)
    assert "own.labels: is a label project" in line
    assert line.endswith("leave out --signal, or import again with it")
