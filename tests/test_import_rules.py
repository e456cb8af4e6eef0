"""Who may import whom, and what importing the package must not cost."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "napari_stem_defects"
HEAVY = {
    *("torch", "napari", "qtpy", "PyQt6", "PySide6", "magicgui"),
    *("matplotlib", "scipy", "skimage", "rsciio"),
}
# Distribution names that differ from the module they bring.
DISTRIBUTION = {"PIL": "pillow", "skimage": "scikit-image", "rsciio": "rosettasciio"}


def loaded_by(code: str) -> tuple[set[str], float]:
    """Run code in a fresh interpreter; return the modules it loads and its seconds."""
    script = (
        "import json, sys, time; start = time.perf_counter()\n"
        f"{code}\n"
        "print(json.dumps([sorted(m.split('.')[0] for m in sys.modules),"
        " time.perf_counter() - start]))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    modules, seconds = json.loads(result.stdout.splitlines()[-1])
    return set(modules), seconds


def test_contracts_hold() -> None:
    command = "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    result = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_importing_the_package_is_quick_and_light() -> None:
    runs = [loaded_by("import napari_stem_defects") for _ in range(3)]
    quickest = min(seconds for _, seconds in runs)
    print(f"import napari_stem_defects: {quickest * 1000:.0f} ms")
    assert not runs[0][0] & HEAVY
    assert quickest < 0.3


def test_the_command_line_answers_without_heavy_imports() -> None:
    modules, seconds = loaded_by(
        "from napari_stem_defects.cli.main import build_parser; build_parser().format_help()"
    )
    print(f"stem-defects --help: {seconds * 1000:.0f} ms")
    assert not modules & HEAVY


def test_the_plugin_loads_neither_torch_nor_matplotlib() -> None:
    names = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for path in sorted((SOURCE / "napari_plugin").rglob("*.py"))
    ]
    modules, _ = loaded_by("\n".join(f"import {n.removesuffix('.__init__')}" for n in names))
    assert names
    assert not modules & {"torch", "rsciio", "matplotlib"}


def test_no_module_loads_torch_before_it_computes() -> None:
    """Only the modules that compute import torch when they are imported themselves."""
    modules, _ = loaded_by("import napari_stem_defects.io.models.library")
    assert "torch" not in modules


def third_party_imports() -> set[str]:
    """Name the top-level modules imported anywhere in the package, standard ones left out."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"napari_stem_defects"}


def test_every_import_is_a_declared_dependency() -> None:
    requirements = importlib.metadata.requires("napari-stem-defects") or []
    declared = {re.split(r"[\s\[<>=!;~]", line)[0].lower() for line in requirements}
    used = {
        DISTRIBUTION.get(name, name).lower().replace("_", "-") for name in third_party_imports()
    }
    assert used <= declared
