"""Files and functions that pages and docstrings name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_stem_defects"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted(
    path
    for folder in ("src", "studies", "benchmarks", "training", "examples")
    for path in (ROOT / folder).rglob("*.py")
)
FILE = re.compile(r"`{1,2}([\w./-]+/[\w.-]+\.(?:py|md|toml|yaml|json))`{1,2}")
DOTTED = re.compile(r"`([a-z_]+(?:\.\w+)+)`")
RESULTS = (".tif", ".csv", ".json")  # files of results that have the name of a package
ROOMS = {path.name for path in PACKAGE.iterdir() if path.is_dir()}


def exists(name: str, page: Path) -> bool:
    """Return whether a file is there, seen from the root, the package, docs or the page."""
    return any((folder / name).exists() for folder in (ROOT, PACKAGE, ROOT / "docs", page.parent))


def is_defined(dotted: str) -> bool:
    """Return whether ``package.module.name`` leads to a module that contains the name."""
    parts = dotted.split(".")
    if (PACKAGE / Path(*parts)).is_dir():
        return True
    for length in range(len(parts), 0, -1):
        module = (PACKAGE / Path(*parts[:length])).with_suffix(".py")
        if module.exists():
            text = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{name}\b", text) for name in parts[length:])
    return False


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: path.name)
def test_what_a_page_names_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [name for name in FILE.findall(text) if "..." not in name and not exists(name, path)]
    missing += [
        name
        for name in DOTTED.findall(text)
        if name.split(".")[0] in ROOMS and not name.endswith(RESULTS) and not is_defined(name)
    ]
    assert not missing, f"{path.name} names {', '.join(missing)}"
