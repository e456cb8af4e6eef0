"""Nothing in the package can run code that arrives in a file.

Works on syntax trees, so a word in a comment or docstring does no harm and an alias does not
help: ruff's security rules miss three of these.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "napari_stem_defects"
MODULES = sorted(PACKAGE.rglob("*.py"))
UNSAFE_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
}
UNSAFE_METHODS = {
    "torch": {"load", "save"},
    "yaml": {"load", "full_load", "unsafe_load"},
    "os": {"system", "popen"},
}
UNSAFE_ANYWHERE = {"extractall", "unsafe_load"}
UNSAFE_NAMES = {"eval", "exec"}
UNSAFE_KEYWORDS = {"allow_pickle", "shell", "weights_only"}


def faults(source: str) -> list[str]:
    """Name every unsafe import, call and keyword of a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [fault for fault in (*_imports(node), *_calls(node)) if fault]
        found += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in names]
    return found


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [a.name for a in node.names if a.name.split(".")[0] in UNSAFE_MODULES]
    if isinstance(node, ast.ImportFrom) and node.module:
        root = node.module.split(".")[0]
        unsafe = UNSAFE_METHODS.get(root, set())
        taken = [f"{root}.{a.name}" for a in node.names if a.name in unsafe]
        return [*taken, *([node.module] if root in UNSAFE_MODULES else [])]
    return []


def _calls(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Call):
        return []
    found = [
        f"{keyword.arg}="
        for keyword in node.keywords
        if keyword.arg in UNSAFE_KEYWORDS
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    function = node.func
    if isinstance(function, ast.Name) and function.id in UNSAFE_NAMES:
        found.append(function.id)
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        if function.attr in UNSAFE_METHODS.get(owner, set()) | UNSAFE_ANYWHERE:
            found.append(f"{owner}.{function.attr}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_loads_nothing_that_can_run_code(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "from torch import load",
        "torch.load('a.pt', weights_only=True)",
        "numpy.load('a.npy', allow_pickle=True)",
        "archive.extractall()",
        "eval('1')",
        "yaml.load(text)",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_the_check_sees(line: str) -> None:
    assert faults(line)


@pytest.mark.parametrize(
    "line", ["network.eval()", "np.load(path, allow_pickle=False)", "yaml.safe_load(text)"]
)
def test_the_check_lets_pass(line: str) -> None:
    assert faults(line) == []
