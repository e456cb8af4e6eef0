"""The house rules that no linter knows: sizes, one test module per module, documented packages."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_stem_defects"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60
# Tested as a whole: these hold no logic of their own, and a folder's panel or command tests them.
TESTED_TOGETHER = {
    "__main__.py": "cli/test_main.py",
    "errors.py": "cli/test_main.py",
    "base/version.py": "test_public_surface.py",
    "base/defaults.py": "test_public_surface.py",
    "postprocessing/result_totals.py": "postprocessing/test_regions.py",
}
PARTS_OF_PANELS = "napari_plugin/panels/"


def expected_test_module(module: Path) -> Path:
    """Return the test module that a module must have."""
    inside = module.relative_to(PACKAGE)
    together = TESTED_TOGETHER.get(inside.as_posix())
    return ROOT / "tests" / (together or inside.with_name(f"test_{inside.name}"))


def is_part_of_a_panel(module: Path) -> bool:
    """Return whether a module is one control of a panel, tested by the panel's real events."""
    inside = module.relative_to(PACKAGE).as_posix()
    return inside.startswith(PARTS_OF_PANELS) and "qtpy" in module.read_text(encoding="utf-8")


def test_every_module_has_a_test_module_of_its_name() -> None:
    missing = [
        str(expected_test_module(module).relative_to(ROOT))
        for module in MODULES
        if not expected_test_module(module).exists() and not is_part_of_a_panel(module)
    ]
    assert not missing, "\n".join(missing)


def test_no_helper_of_tests_hides_a_study_or_a_benchmark() -> None:
    """Tests import all of them by their names alone."""
    helpers, others = (
        {path.stem for folder in folders for path in (ROOT / folder).glob("*.py")}
        for folders in (("tests/helpers",), ("studies", "benchmarks"))
    )
    assert not helpers & others


def test_every_panel_has_tests() -> None:
    for panel in sorted((PACKAGE / PARTS_OF_PANELS).glob("*/panel.py")):
        assert expected_test_module(panel).exists() or is_part_of_a_panel(panel), panel


def docstring_lines(function: ast.FunctionDef) -> int:
    """Return the length of a docstring: complete ones are long, and welcome."""
    first = function.body[0]
    is_docstring = ast.get_docstring(function) is not None
    return (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0


def test_modules_and_functions_are_short() -> None:
    long = []
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > MOST_LINES:
            long.append(f"{module.relative_to(PACKAGE)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1 - docstring_lines(node)
                if length > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{module.relative_to(PACKAGE)}: {node.name}, {length} lines")
    assert not long, "\n".join(long)


def test_every_package_states_its_purpose_and_what_it_imports() -> None:
    for path in sorted(PACKAGE.rglob("__init__.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert not text.startswith("TODO"), path
        assert len(text.split()) >= 8, path
        if path.parent.parent == PACKAGE:
            assert "import" in text.lower(), f"{path}: what may it import?"
