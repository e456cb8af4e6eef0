"""Model files: what is written comes back and works; anything else is one line."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from quick_models import quick_filters, quick_model
from safetensors import safe_open
from safetensors.numpy import save_file

from napari_stem_defects.base.defect_classes import DefectClass, default_kind
from napari_stem_defects.detection.detect_matched import quick_model as filters_of
from napari_stem_defects.errors import ModelError, OutputError
from napari_stem_defects.io.models import model_file
from napari_stem_defects.io.models.model_file import (
    FORMAT_VERSION,
    load_model,
    read_spec,
    save_model,
)
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec, PlattCalibration
from napari_stem_defects.preprocessing.pipeline import features
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=Architecture(channels=(4, 8), hidden=8),
    pixel_size_nm=0.027,
    thresholds={"SF1": 0.4},
    calibration={"SF1": PlattCalibration(1.5, -0.2)},
    description="für Tests\nin zwei Zeilen",
)


def new_ensemble(spec: EnsembleSpec = SPEC) -> Ensemble:
    torch.manual_seed(0)
    members = [[new_member(spec).eval() for _ in spec.seeds] for _ in spec.classes]
    return Ensemble(spec, collect_weights(members))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_model(new_ensemble(), path)
    return path


def contents(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return tensors and header."""
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, json.loads(file.metadata()["napari_stem_defects"])


def rewrite(path: Path, tensors: dict[str, Any], header: object) -> None:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(tensors, path, {"napari_stem_defects": text})


def test_what_is_saved_comes_back(model: Path) -> None:
    ensemble = new_ensemble()
    loaded = load_model(model)
    assert loaded.spec == SPEC
    assert set(loaded.weights) == set(ensemble.weights)
    for name, array in ensemble.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], array)
        assert loaded.weights[name].dtype == array.dtype
    noise = np.random.default_rng(1).normal(size=(5, 64, 64)).astype(np.float32)
    seen = features(noise, SPEC.preprocessing)
    np.testing.assert_array_equal(
        EnsembleNetwork(loaded).probabilities(seen), EnsembleNetwork(ensemble).probabilities(seen)
    )


def test_saving_twice_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    saved = save_model(load_model(model), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == model.read_bytes()
    assert saved.sha256 == load_model(model).sha256 == read_spec(model)[1]


def test_weights_in_any_memory_order_are_kept(tmp_path: Path) -> None:
    ensemble = new_ensemble()
    turned = {name: np.array(array, order="F") for name, array in ensemble.weights.items()}
    save_model(replace(ensemble, weights=turned), tmp_path / "m.safetensors")
    for name, array in load_model(tmp_path / "m.safetensors").weights.items():
        np.testing.assert_array_equal(array, ensemble.weights[name])


def test_the_description_needs_no_torch(model: Path) -> None:
    code = (
        "import sys; from napari_stem_defects.io.models.model_file import read_spec;"
        " spec, digest = read_spec(sys.argv[1]);"
        " assert spec.classes == ('Bulk', 'SF1') and len(digest) == 64;"
        " assert 'torch' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(model)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_a_file_of_format_version_2_has_the_classes_of_their_names(model: Path) -> None:
    """It was written before classes had kinds; the same weights give the same results."""
    tensors, header = contents(model)
    spec = {name: value for name, value in header["spec"].items() if name != "class_data"}
    rewrite(model, tensors, header | {"format_version": 2, "spec": spec})
    loaded = load_model(model)
    assert [(each.name, each.kind) for each in loaded.spec.class_data] == [
        (name, default_kind(name)) for name in SPEC.classes
    ]
    assert loaded.sha256 == header["weights_sha256"]


def test_kinds_titles_and_colours_are_kept(tmp_path: Path) -> None:
    own = DefectClass("SF1", "area", "my phase", "#010203")
    assert own.name in SPEC.classes
    save_model(new_ensemble(replace(SPEC, class_data=(own,))), tmp_path / "own.safetensors")
    assert read_spec(tmp_path / "own.safetensors")[0].class_table["SF1"] == own


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """Networks with a quick model as their teacher."""
    quick, path = quick_model(), tmp_path / "taught.safetensors"
    spec = replace(
        SPEC,
        classes=quick.spec.classes,
        class_data=quick.spec.class_data,
        thresholds={},
        calibration={},
        teacher=quick.spec.matched_filters,
    )
    arrays = {f"teacher.{name}": array for name, array in quick.weights.items()}
    networks = new_ensemble(spec)
    save_model(replace(networks, weights={**networks.weights, **arrays}), path)
    return path


def test_a_teacher_comes_back_with_its_networks(taught: Path) -> None:
    loaded = load_model(taught)
    filters = filters_of(loaded)
    assert [len(item.templates) for item in filters.classes] == [0, 2]
    np.testing.assert_array_equal(
        filters.classes[1].templates[0].pattern, quick_filters().classes[1].templates[0].pattern
    )


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [({"templates": [2]}, "do not agree"), ({"negatives": 4}, "shape"), ({"samples": 9}, "shape")],
)
def test_a_teacher_that_does_not_fit_is_refused(
    taught: Path, sizes: dict[str, object], fault: str
) -> None:
    tensors, header = contents(taught)
    header["spec"]["teacher"].update(sizes)
    rewrite(taught, tensors, header)
    with pytest.raises(ModelError, match=fault):
        load_model(taught)


def test_files_end_in_safetensors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^m.pt: .*rename"):
        save_model(new_ensemble(), tmp_path / "m.pt")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_failed_training_is_not_written(tmp_path: Path, value: float) -> None:
    ensemble = new_ensemble()
    weights = {name: array.copy() for name, array in ensemble.weights.items()}
    weights["1.0.head.1.weight"][0, 0] = value
    path = tmp_path / "m.safetensors"
    with pytest.raises(ModelError, match=r"^m.safetensors: .*finite"):
        save_model(replace(ensemble, weights=weights), path)
    assert not path.exists()


def test_an_unwritable_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save_model(new_ensemble(), tmp_path / "file" / "m.safetensors")


# Hostile files. Each change gets path, tensors and header, and spoils them.


def truncated(path: Path, tensors: Any, header: Any) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def beheaded(path: Path, tensors: Any, header: Any) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path, tensors: Any, header: Any) -> None:
    path.write_bytes(b"")


def text(path: Path, tensors: Any, header: Any) -> None:
    path.write_text("weights, honestly")


class _Explosive:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (exec, ("raise SystemExit('code of the file was run')",))


def pickled(path: Path, tensors: Any, header: Any) -> None:
    path.write_bytes(pickle.dumps(_Explosive()))


def torch_checkpoint(path: Path, tensors: Any, header: Any) -> None:
    torch.save({"weights": torch.zeros(3)}, path)


def huge_declared(path: Path, tensors: Any, header: Any) -> None:
    bomb = {"bomb": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    head = json.dumps(bomb).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"\0" * 64)


def huge_header(path: Path, tensors: Any, header: Any) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")


def wrong_shape(path: Path, tensors: Any, header: Any) -> None:
    tensors["0.0.head.1.weight"] = tensors["0.0.head.1.weight"][:, :-1].copy()
    rewrite(path, tensors, header)


def wrong_type(path: Path, tensors: Any, header: Any) -> None:
    tensors["0.0.head.1.weight"] = tensors["0.0.head.1.weight"].astype(np.float64)
    rewrite(path, tensors, header)


def bfloat16(path: Path, tensors: Any, header: Any) -> None:
    from safetensors.torch import save_file as save_torch

    changed = {name: torch.from_numpy(np.array(array)) for name, array in tensors.items()}
    changed["0.0.head.1.weight"] = changed["0.0.head.1.weight"].bfloat16()
    save_torch(changed, path, {"napari_stem_defects": json.dumps(header)})


def missing_tensor(path: Path, tensors: Any, header: Any) -> None:
    del tensors["1.1.head.4.bias"]
    rewrite(path, tensors, header)


def strange_tensor(path: Path, tensors: Any, header: Any) -> None:
    tensors["extra\n\x1b[31mred"] = np.zeros(3, np.float32)
    rewrite(path, tensors, header)


def nan_weights(path: Path, tensors: Any, header: Any) -> None:
    tensors["0.0.head.1.weight"][0, 0] = np.nan
    rewrite(path, tensors, header)


def other_weights(path: Path, tensors: Any, header: Any) -> None:
    tensors["0.0.head.1.weight"] *= 1.001
    rewrite(path, tensors, header)


def other_hash(path: Path, tensors: Any, header: Any) -> None:
    rewrite(path, tensors, header | {"weights_sha256": "0" * 64})


def other_self_test(path: Path, tensors: Any, header: Any) -> None:
    tensors["self_test.output"] += 0.01
    rewrite(path, tensors, header)


def no_self_test(path: Path, tensors: Any, header: Any) -> None:
    del tensors["self_test.input"], tensors["self_test.output"]
    rewrite(path, tensors, header)


def scalar_self_test(path: Path, tensors: Any, header: Any) -> None:
    tensors["self_test.input"] = np.array(1, np.float32)
    rewrite(path, tensors, header)


def empty_self_test(path: Path, tensors: Any, header: Any) -> None:
    tensors["self_test.input"] = tensors["self_test.input"][:0]
    tensors["self_test.output"] = tensors["self_test.output"][:0]
    rewrite(path, tensors, header)


def nan_probabilities(path: Path, tensors: Any, header: Any) -> None:
    """Finite weights with NaN probabilities only: a variance below 0."""
    for name in tensors:
        if name.endswith("running_var"):
            tensors[name][:] = -1
    weights = {name: array for name, array in tensors.items() if "self_test" not in name}
    rewrite(path, tensors, header | {"weights_sha256": model_file.hash_arrays(weights)})


def no_metadata(path: Path, tensors: Any, header: Any) -> None:
    save_file(tensors, path)


def foreign_metadata(path: Path, tensors: Any, header: Any) -> None:
    save_file(tensors, path, {"format": "pt"})


def broken_json(path: Path, tensors: Any, header: Any) -> None:
    rewrite(path, tensors, json.dumps(header)[:-5])


def deep_json(path: Path, tensors: Any, header: Any) -> None:
    rewrite(path, tensors, "[" * 100_000)


def json_list(path: Path, tensors: Any, header: Any) -> None:
    rewrite(path, tensors, [1, 2])


def future_version(path: Path, tensors: Any, header: Any) -> None:
    rewrite(path, tensors, header | {"format_version": FORMAT_VERSION + 1})


def spec_of(**changes: object) -> Callable[[Path, Any, Any], None]:
    def change(path: Path, tensors: Any, header: Any) -> None:
        rewrite(path, tensors, header | {"spec": header["spec"] | changes})

    return change


def tensor_twice(path: Path, tensors: Any, header: Any) -> None:
    """Add a second entry of a tensor, which safetensors takes instead of the first."""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    entries = json.loads(whole[8 : 8 + length])
    name = "0.0.head.1.bias"
    second = json.dumps({name: entries[name]})[1:-1]
    head = whole[8 : 8 + length].rstrip()[:-1] + b"," + second.encode() + b"}"
    path.write_bytes(struct.pack("<Q", len(head)) + head + whole[8 + length :])
    with safe_open(path, framework="numpy") as file:  # the library does not object
        assert name in file.keys()


def description_twice(path: Path, tensors: Any, header: Any) -> None:
    text = json.dumps(header)
    rewrite(path, tensors, f'{text[:-1]}, "spec": {json.dumps(header["spec"])}}}')


SIZES = SPEC.to_dict()["architecture"]
HOSTILE = {
    "tensor twice": (tensor_twice, "'0.0.head.1.bias' occurs twice"),
    "description twice": (description_twice, "'spec' occurs twice"),
    "truncated": (truncated, "readable"),
    "beheaded": (beheaded, "readable"),
    "empty": (empty, "readable"),
    "text": (text, "readable"),
    "pickle": (pickled, "readable"),
    "torch checkpoint": (torch_checkpoint, "readable"),
    "huge declared tensor": (huge_declared, "readable"),
    "huge declared header": (huge_header, "readable"),
    "wrong shape": (wrong_shape, "0.0.head.1.weight has shape"),
    "wrong type": (wrong_type, "type F64"),
    "bfloat16": (bfloat16, "type BF16"),
    "missing tensor": (missing_tensor, "1.1.head.4.bias"),
    "strange tensor": (strange_tensor, "extra"),
    "nan weights": (nan_weights, "not finite"),
    "other weights": (other_weights, "hash"),
    "other hash": (other_hash, "hash"),
    "other self-test": (other_self_test, "self-test"),
    "no self-test": (no_self_test, "self_test.input"),
    "scalar self-test": (scalar_self_test, "shape"),
    "empty self-test": (empty_self_test, "shape"),
    "nan probabilities": (nan_probabilities, "self-test"),
    "no metadata": (no_metadata, "not a napari-stem-defects model"),
    "foreign metadata": (foreign_metadata, "not a napari-stem-defects model"),
    "broken json": (broken_json, "description"),
    "deep json": (deep_json, "description"),
    "json list": (json_list, "description"),
    "future version": (future_version, f"version {FORMAT_VERSION + 1}"),
    "unknown architecture": (spec_of(architecture=SIZES | {"name": "vit"}), "vit"),
    "too many poolings": (spec_of(architecture=SIZES | {"channels": [4] * 8}), "leave nothing"),
    "other sizes": (spec_of(architecture=SIZES | {"channels": [4, 8, 8]}), "tensors"),
    "unknown classes": (spec_of(classes=["Bulk", "SF1", "SF2"]), "tensors"),
    "class list is text": (spec_of(classes="Bulk"), "malformed"),
    "no description": (spec_of(classes=None), "malformed"),
    "unknown entry": (spec_of(run="rm -rf"), "run"),
    "path in the name": (spec_of(name="../../../.bashrc"), "name"),
    "absolute path in the name": (spec_of(name="C:\\Windows\\x"), "name"),
    "line breaks in the name": (spec_of(name="small\n\x1b[31mred"), "name"),
    "path in a class": (spec_of(classes=["Bulk", "../../SF1"]), "class name"),
    "path as a threshold": (spec_of(thresholds={"/etc/passwd": 0.5}), "/etc/passwd"),
    "line breaks": (spec_of(**{"a\nb\r\nc": 1}), "entries"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_one_line(model: Path, kind: str) -> None:
    spoil, reason = HOSTILE[kind]
    spoil(model, *contents(model))
    with pytest.raises(ModelError) as caught:
        load_model(model)
    line = str(caught.value)
    assert line.startswith("small.safetensors: ")
    assert reason in line
    assert line.isprintable()
    assert len(line) <= 200


@pytest.mark.parametrize(
    "kind", ["pickle", "no metadata", "future version", "class list is text", "tensor twice"]
)
def test_descriptions_of_hostile_files_are_one_line_too(model: Path, kind: str) -> None:
    spoil, reason = HOSTILE[kind]
    spoil(model, *contents(model))
    with pytest.raises(ModelError, match=r"^small.safetensors: ") as caught:
        read_spec(model)
    assert reason in str(caught.value)


def test_random_damage_is_refused_or_harmless(model: Path) -> None:
    whole = model.read_bytes()
    rng = np.random.default_rng(0)
    head = struct.unpack("<Q", whole[:8])[0] + 8
    lines = []
    for number in range(60):
        damaged = bytearray(whole)
        place = rng.integers(8, head if number % 2 else len(whole))
        damaged[place] ^= 1 << rng.integers(8)
        model.write_bytes(damaged)
        try:
            load_model(model)
        except ModelError as error:
            lines.append(str(error))
    assert len(lines) > 40
    assert all(line.startswith("small.safetensors: ") and line.isprintable() for line in lines)


def test_missing_files_and_folders_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    for name in ("none.safetensors", "folder.safetensors"):
        for read in (load_model, read_spec):
            with pytest.raises(ModelError, match=f"^{name}: there is no such model file; check"):
                read(tmp_path / name)


def test_giants_are_refused_unread(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "SIZE_LIMIT", 1000)
    with pytest.raises(ModelError, match="larger than"):
        load_model(model)
