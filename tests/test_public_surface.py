"""The public names: there, lazy, documented to the last parameter, and used by all pages."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_model import write_small_model

import napari_stem_defects as sd
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.model_file import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def test_type_checkers_see_what_is_imported() -> None:
    """The imports for type checkers, which never run, name the same things."""
    tree = ast.parse(Path(str(sd.__file__)).read_text(encoding="utf-8"))
    (block,) = (each for each in tree.body if isinstance(each, ast.If))
    stated = {
        alias.asname or alias.name: getattr(importlib.import_module(str(each.module)), alias.name)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert stated == {name: getattr(sd, name) for name in stated}
    assert {*stated, "DEFAULT_MODEL", "__version__"} == set(sd.__all__)


def arrays_of(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield the dataclasses that a value of a public type consists of and that hold arrays."""
    if not dataclasses.is_dataclass(kind) or kind in seen:
        return
    seen.add(kind)
    texts = [str(field.type) for field in dataclasses.fields(kind)]
    if any("NDArray" in text for text in texts):
        yield kind
    module = vars(importlib.import_module(kind.__module__))
    for name in set(re.findall(r"\w+", " ".join(texts))):
        yield from arrays_of(module.get(name), seen)


def test_what_holds_arrays_is_equal_to_itself_alone() -> None:
    """Arrays have no equality as a whole: a comparison of their owners would be an error."""
    seen: set[Any] = set()
    found = {kind for name in NAMES for kind in arrays_of(getattr(sd, name), seen)}
    assert sd.Micrograph in found
    for kind in (*found, sd.Detection, sd.Ensemble):
        assert kind.__eq__ is object.__eq__, kind


def test_images_can_be_compared_and_listed() -> None:
    one, two = (sd.Micrograph(np.zeros((4, 4)), "same") for _ in range(2))
    assert one != two
    assert two in [one, two]
    assert len({one: 1, two: 2}) == 2


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


@pytest.mark.parametrize(
    ("name", "function"), public_functions(), ids=[name for name, _ in public_functions()]
)
def test_help_shows_no_address_as_a_default(name: str, function: Any) -> None:
    assert " at 0x" not in str(inspect.signature(function))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: sd.train([], options="quick"),  # type: ignore[arg-type]
        lambda: sd.preprocess(np.ones((64, 64)), "fft"),  # type: ignore[arg-type]
        lambda: sd.simulate(seed="one"),  # type: ignore[arg-type]
        lambda: sd.simulate(size="large"),  # type: ignore[arg-type]
        lambda: sd.simulate(pixel_size_nm="0.02"),  # type: ignore[arg-type]
        lambda: sd.simulate(dose="high"),  # type: ignore[arg-type]
        lambda: sd.DefectClass(3),  # type: ignore[arg-type]
    ],
)
def test_a_value_of_another_type_is_one_line(wrong: Callable[[], object]) -> None:
    with pytest.raises(InputError) as caught:
        wrong()
    assert "\n" not in str(caught.value)


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
