"""The public names: there, lazy, documented to the last parameter, and used by all pages."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_model import write_small_model

import napari_stem_defects as sd
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.model_file import load_model

ROOT = Path(__file__).parents[1]
NAMES = [name for name in sd.__all__ if callable(getattr(sd, name))]
VERBS = ("detect", "evaluate", "load_model", "preprocess", "read", "simulate", "train")
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_all_names_are_there() -> None:
    for name in sd.__all__:
        assert getattr(sd, name) is not None
    assert set(sd.__all__) <= set(dir(sd))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'infer'"):
        _ = sd.infer


def section(text: str, title: str) -> str:
    """Return a section of a numpy docstring."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", text, re.M | re.S)
    return found.group(1) if found else ""


def described(text: str) -> set[str]:
    """Return the names that a section of a numpy docstring describes."""
    heads = re.findall(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :.*)?$", text, re.M)
    return {name.strip("* ") for head in heads for name in head.split(",")}


def public_functions() -> list[tuple[str, Any]]:
    """Return every public function and method of the public surface, with its name."""
    found = []
    for name in NAMES:
        thing = getattr(sd, name)
        if not inspect.isclass(thing):
            found.append((name, thing))
            continue
        for method, value in vars(thing).items():
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(function) and not method.startswith("_"):
                found.append((f"{name}.{method}", function))
    return found


@pytest.mark.parametrize(
    ("name", "function"), public_functions(), ids=[name for name, _ in public_functions()]
)
def test_functions_state_every_parameter_and_what_they_return(name: str, function: Any) -> None:
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    wanted = {each for each in signature.parameters if each not in ("self", "cls")}
    missing = wanted - described(section(text, "Parameters"))
    assert not missing, f"{name} does not describe {', '.join(sorted(missing))}"
    returns = str(signature.return_annotation)
    if returns not in ("None", "<class 'inspect._empty'>"):
        one_line = not wanted and re.match(r"(Return|Whether|Yield|Number)", text)
        assert one_line or section(text, "Returns") or section(text, "Yields"), name


@pytest.mark.parametrize("name", VERBS)
def test_verbs_state_their_errors(name: str) -> None:
    text = inspect.getdoc(getattr(sd, name)) or ""
    assert section(text, "Raises")


@pytest.mark.parametrize("name", [n for n in NAMES if inspect.isclass(getattr(sd, n))])
def test_types_describe_their_attributes(name: str) -> None:
    kind = getattr(sd, name)
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "_fields", ())
    text = inspect.getdoc(kind) or ""
    attributes = section(text, "Attributes") + section(text, "Parameters")
    assert {each for each in fields if not each.startswith("_")} <= described(attributes)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("InputError", "ProbabilityMap")])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    thing = getattr(sd, name)
    finder = doctest.DocTestFinder(recurse=inspect.isclass(thing))
    tests = [each for each in finder.find(thing, name, globs={"sd": sd}) if each.examples]
    assert tests, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in tests:
        report: list[str] = []
        assert runner.run(test, out=report.append).failed == 0, "".join(report)


def imported_from_package(code: str) -> list[str]:
    """Return the modules of the package that a script imports."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return [name for name in found if name.split(".")[0] == "napari_stem_defects"]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: path.name)
def test_pages_and_examples_import_from_the_root_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for code in FENCE.findall(text) if path.suffix == ".md" else [text]:
        assert set(imported_from_package(code)) <= {"napari_stem_defects"}


def test_models_are_taken_by_file_and_loaded(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    micrograph = sd.simulate(size=128).micrograph
    by_file = sd.detect(micrograph, path, stride=32, device="cpu")
    loaded = sd.detect(micrograph, load_model(path), stride=32, device="cpu")
    np.testing.assert_array_equal(by_file.map.probability, loaded.map.probability)
    assert by_file.pixel_size_nm == micrograph.pixel_size_nm


def test_a_missing_frame_is_an_input_error(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    with pytest.raises(InputError, match="there is no frame 1"):
        sd.detect(sd.simulate(size=128).micrograph, path, frame=1)
