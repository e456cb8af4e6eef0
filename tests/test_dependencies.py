"""Every dependency has a reason and a licence, and what describes the package agrees."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import napari_stem_defects as sd
from napari_stem_defects.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROW = re.compile(r"^\| ([\w-]+) \| ([\w, ]+) \| (.+) \| (.+) \|$", re.MULTILINE)
# On conda-forge some packages have other names.
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def name_of(requirement: str) -> str:
    """Return the name of the package that a requirement asks for."""
    found = re.match(r"[\w-]+", requirement)
    assert found is not None, requirement
    return found.group().lower()


def required() -> dict[str, set[str]]:
    """Return each package with the extras that bring it."""
    extras = {"always": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    packages: dict[str, set[str]] = {}
    for extra, requirements in extras.items():
        for requirement in requirements:
            packages.setdefault(name_of(requirement), set()).add(extra)
    packages.pop(PROJECT["name"], None)
    return packages


def rows() -> dict[str, tuple[set[str], str, str]]:
    """Return extras, reason and licence of each package in the table of the page."""
    found = ROW.findall((ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"))
    return {
        name: (set(extras.split(", ")), reason, licence)
        for name, extras, reason, licence in found
        if name != "package"
    }


def test_the_page_lists_exactly_the_packages_of_pyproject() -> None:
    assert {name: extras for name, (extras, _, _) in rows().items()} == required()
    assert all(
        len(reason) > 3 and licence not in ("", "None") for _, reason, licence in rows().values()
    )


def test_the_licences_are_those_of_the_installed_packages() -> None:
    compared = 0
    for name, (_, _, licence) in rows().items():
        try:
            stated = metadata.metadata(name).get("License-Expression")
        except metadata.PackageNotFoundError:
            continue
        if stated:
            assert licence == stated, name
            compared += 1
    assert compared > 10


def test_all_brings_a_qt_as_napari_does() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert "qt" in everything.partition("[")[2].rstrip("]").split(",")
    napari = [r for r in metadata.requires("napari") or () if re.search(r'extra == "all"', r)]
    assert any("pyqt" in each for each in napari)
    assert extras["qt"] == ["napari[pyqt6]>=0.7.1"]


def test_the_conda_recipe_needs_what_pyproject_needs() -> None:
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    wanted = set()
    for each in PROJECT["dependencies"]:
        name = name_of(each)
        wanted.add(f"{CONDA.get(name, name)} {each[len(name) :]}")
    needed = set(recipe["requirements"]["run"])
    assert wanted == {each for each in needed if not each.startswith("python ")}
    assert recipe["context"]["version"] == sd.__version__
    assert recipe["requirements"]["run_constraints"] == [
        each.replace(">=", " >=") for each in PROJECT["optional-dependencies"]["napari"]
    ]
    assert PROJECT["requires-python"] == f">={recipe['context']['python_min']}"


def test_the_conda_recipe_describes_the_package_of_pyproject() -> None:
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert recipe["package"]["name"] == PROJECT["name"]
    assert recipe["about"]["summary"] == PROJECT["description"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert [recipe["about"]["license_file"]] == PROJECT["license-files"]
    points = [f"{name} = {place}" for name, place in PROJECT["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == points
    tools = {each.replace(">=", " >=") for each in whole["build-system"]["requires"]}
    assert tools < set(recipe["requirements"]["host"])
    sdist = PROJECT["name"].replace("-", "_") + "-${{ version }}.tar.gz"
    assert recipe["source"]["url"].endswith(f"/{PROJECT['name']}/{sdist}")
    for each in recipe["tests"][0]["python"]["imports"]:
        assert find_spec(each) is not None, each
    for line in recipe["tests"][1]["script"]:
        command = line.split()
        assert command[0] in PROJECT["scripts"]
        assert command[1] in {each.__name__.rpartition(".")[2] for each in COMMANDS}


@pytest.mark.parametrize("key", ["title", "version", "license", "authors", "message"])
def test_the_citation_is_complete(key: str) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation[key]
    assert citation["version"] == sd.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name)
def test_files_of_the_code_host_are_valid(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml":
        assert content["name"]
        assert content["description"]
        ids = [each["id"] for each in content["body"] if each["type"] != "markdown"]
        assert len(set(ids)) == len(ids)
    if path.parent.name == "workflows":
        assert content["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job for job in content["jobs"].values())
