"""The command ``models``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import one_line

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    pass


def test_models_are_imported_listed_shown_and_verified(
    model: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "import", str(model)]) == 0
    assert main(["models", "list"]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "small user 0.027 nm/px stride 8 px (0.216 nm) Bulk, SF1" in listed
    assert main(["models", "show", "small"]) == 0
    assert '"representation": "fft"' in capsys.readouterr().out
    assert main(["models", "verify", "small", str(model)]) == 0
    assert capsys.readouterr().out.count("sound") == 2


def test_a_damaged_model_is_one_line_and_2(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 255
    damaged.write_bytes(content)
    assert main(["models", "verify", str(damaged)]) == 2
    assert "damaged.safetensors" in one_line(capsys.readouterr().err)


def test_a_model_goes_out_and_comes_back(
    model: Path,
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    assert main(["models", "export", str(model), "--format", "onnx"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'small.onnx'}\n"
    package = tmp_path / "there" / "packed.zip"
    words = ["--format", "bioimageio", "--out", str(package)]
    assert main(["models", "export", str(model), *words]) == 0
    assert main(["models", "import", str(package)]) == 0
    assert "small: in your library" in capsys.readouterr().out
    assert main(["models", "import", str(tmp_path / "small.onnx")]) == 2
    assert "model files end in .safetensors" in one_line(capsys.readouterr().err)


def test_a_model_that_is_no_graph_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "export", "any-crystal", "--format", "onnx"]) == 2
    assert "any-crystal sees the lattice residual" in one_line(capsys.readouterr().err)
