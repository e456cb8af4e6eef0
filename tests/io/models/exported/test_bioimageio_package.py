"""Packages of bioimage.io: their own test passes, and the model comes back as it was."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import run_graph
from small_model import write_dense_model, write_small_model

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models.exported.bioimageio_package import write_package
from napari_stem_defects.io.models.exported.package_file import read_package
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

pytest.importorskip("onnx")


def unpacked(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(path) as file:
        files = {name: file.read(name) for name in file.namelist()}
    return json.loads(files["bioimageio.yaml"]), files


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_dense_model(tmp_path / "small.safetensors", licence="BSD-3-Clause")


def test_the_description_names_every_file_with_its_hash(model: Path, tmp_path: Path) -> None:
    about, files = unpacked(write_package(model, tmp_path / "small.zip"))
    named = [
        about["documentation"],
        *about["attachments"],
        about["weights"]["onnx"],
        *(each["test_tensor"] for each in (*about["inputs"], *about["outputs"])),
    ]
    assert {each["source"] for each in named} | {"bioimageio.yaml"} == set(files)
    for each in named:
        assert each["sha256"] == hashlib.sha256(files[each["source"]]).hexdigest()
    assert about["license"] == "BSD-3-Clause"
    assert about["outputs"][0]["axes"][1]["channel_names"] == ["Bulk", "SF1"]
    assert about["inputs"][0]["axes"][2]["scale"] == 0.027


@pytest.mark.parametrize("margin", [False, True])
def test_the_graph_passes_the_test_of_its_package(margin: bool, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    training = {"label_radius_px": 0} if margin else {}
    path = write_small_model(
        tmp_path / "m.safetensors", preprocessing=PreprocessingSettings(), training=training
    )
    about, files = unpacked(write_package(path, tmp_path / "m.zip"))
    image, expected = (
        np.load(io.BytesIO(files[name])) for name in ("test_image.npy", "test_probability.npy")
    )
    np.testing.assert_allclose(run_graph(files["model.onnx"], image[0, 0]), expected[0], atol=1e-4)
    for place, name in ((2, "y"), (3, "x")):
        axis = about["inputs"][0]["axes"][place]
        size = image.shape[place]
        assert (size - axis["size"]["min"]) % axis["size"]["step"] == 0
        found = about["outputs"][0]["axes"][place]
        ratio = found["scale"] / axis["scale"]
        assert found["size"] == {"tensor_id": "image", "axis_id": name} | {
            "offset": found["size"]["offset"]
        }
        assert size / ratio + found["size"]["offset"] == expected.shape[place]


def test_the_model_comes_back_as_it_was(model: Path, tmp_path: Path) -> None:
    name, data = read_package(write_package(model, tmp_path / "small.zip"))
    assert (name, data) == (model.name, model.read_bytes())


def test_what_cannot_be_a_graph_is_refused(tmp_path: Path) -> None:
    path = write_small_model(
        tmp_path / "r.safetensors", preprocessing=PreprocessingSettings(representation="residual")
    )
    assert load_model(path).spec.preprocessing.is_residual
    with pytest.raises(ModelError, match="sees the lattice residual"):
        write_package(path, tmp_path / "r.zip")
    assert not (tmp_path / "r.zip").exists()


def test_the_validator_of_bioimageio_accepts_it(model: Path, tmp_path: Path) -> None:
    core = pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed")
    summary = core.test_description(write_package(model, tmp_path / "small.zip"))
    assert summary.status == "passed"
