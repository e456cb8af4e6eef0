"""What is installed: complete, light to import, and no dependency held back without need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "napari_stem_defects"
LIGHT = (
    "import sys, time; start = time.perf_counter(); import napari_stem_defects;"
    " seconds = time.perf_counter() - start;"
    " heavy = {'torch', 'napari', 'qtpy', 'PyQt6', 'PySide6', 'numpy'} & set(sys.modules);"
    " print(f'{seconds:.4f}', *heavy)"
)


def declared() -> dict[str, list[str]]:
    """Return the requirements, those of the extras by their names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def test_no_dependency_is_capped() -> None:
    """A cap keeps users from a version that works; what was tested is in constraints.txt."""
    capped = [
        line
        for lines in declared().values()
        for line in lines
        if re.search(r"[<=~]=|<", line.partition(";")[0].replace(">=", ""))
    ]
    assert capped == []


def test_the_versions_tested_are_written_down() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {_name(line) for line in text.splitlines() if "==" in line}
    wanted = {_name(line) for lines in declared().values() for line in lines}
    assert wanted - pinned - {"napari-stem-defects"} == set()


def _name(line: str) -> str:
    return re.split(r"[\[<>=!; ]", line.strip())[0].lower().replace("_", "-")


def needed() -> set[str]:
    """Return the files of the package that are no Python and must travel with it."""
    files = [
        "napari.yaml",
        "py.typed",
        *(f"pretrained/{p.name}" for p in PACKAGE.glob("pretrained/*")),
    ]
    assert any(name.endswith(".safetensors") for name in files)
    return set(files)


def test_the_manifest_is_where_napari_and_people_look() -> None:
    assert (ROOT / "napari.yaml").read_bytes() == (PACKAGE / "napari.yaml").read_bytes()
    assert needed() <= {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*")}


def test_the_sdist_holds_everything_that_is_kept() -> None:
    """Its tests run: they use the benchmarks, studies and workflows, too."""
    git = shutil.which("git")
    listed = subprocess.run(
        [git or "git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if git is None or listed.returncode != 0:
        pytest.skip("this is no checkout")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    of_hatchling = {"/.gitignore", "/LICENSE", "/README.md", "/pyproject.toml"}
    kept = {"/" + name.partition("/")[0].strip('"') for name in listed.stdout.splitlines()}
    assert kept == included | of_hatchling


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and sdist as for a release; fetches hatchling."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.mark.long
def test_wheel_and_sdist_are_complete(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        points = next(name for name in inside if name.endswith("entry_points.txt"))
        entry = archive.read(points).decode()
    assert {f"napari_stem_defects/{name}" for name in needed()} <= inside
    assert "napari-stem-defects = napari_stem_defects:napari.yaml" in entry
    assert not any(name.startswith(("tests", "docs")) for name in inside)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {f"src/napari_stem_defects/{name}" for name in needed()}
    assert wanted | {"run.py", "constraints.txt", "pyproject.toml", "LICENSE", "README.md"} <= names
    print(f"wheel {wheel.stat().st_size / 1e6:.1f} MB, sdist {sdist.stat().st_size / 1e6:.1f} MB")


def new_environment(folder: Path, *packages: str) -> str:
    """Install packages into an empty environment; return its interpreter."""
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
    run = subprocess.run(pip, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return python


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_installed_wheel_imports_lightly(built: Path, tmp_path: Path) -> None:
    """Without its dependencies: importing the package must not need them."""
    (wheel,) = built.glob("*.whl")
    python = new_environment(tmp_path / "empty", "--no-deps", str(wheel))
    runs = [
        subprocess.run([python, "-c", LIGHT], capture_output=True, text=True, cwd=tmp_path)
        for _ in range(5)
    ]
    said = [run.stdout.split() for run in runs]
    assert all(len(words) == 1 for words in said), [run.stderr for run in runs]
    quickest = min(float(words[0]) for words in said)
    print(f"import from a wheel: {quickest * 1000:.0f} ms")
    assert quickest < 0.3


def pinned_to(which: str) -> list[str]:
    """Return the pins for a napari, torch as it was tested; all else is what pip finds today."""
    tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in tested if line.startswith("torch==")]
    (bound,) = declared()["napari"]
    return [*pins, bound.replace(">=", "==")] if which == "oldest" else pins


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_the_windows_work_in_a_napari(built: Path, tmp_path: Path, which: str) -> None:
    """Install the wheel beside it, run the tests of the windows there, then the demo."""
    (wheel,) = built.glob("*.whl")
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(pinned_to(which)), encoding="utf-8")
    python = new_environment(tmp_path / "env", "-c", str(pins), f"{wheel}[all,test]")
    # Whose warnings they are is told by the suite itself, on the versions of constraints.txt.
    tests = [python, "-m", "pytest", "-q", "-W", "default", "tests/napari_plugin"]
    run = subprocess.run(tests, capture_output=True, text=True, cwd=ROOT)
    demo = [python, "-m", "napari_stem_defects", "demo", "--headless", "--out", str(tmp_path)]
    shown = subprocess.run(demo, capture_output=True, text=True, cwd=tmp_path)
    wanted = ("napari", "npe2", "PyQt6", "vispy", "pydantic", "numpy", "torch")
    print(_versions(python, wanted), run.stdout.splitlines()[-1], sep="\n")
    assert run.returncode == 0, run.stdout
    assert shown.returncode == 0, shown.stderr
    assert list(tmp_path.rglob("overview.png"))


def _versions(python: str, packages: tuple[str, ...]) -> str:
    code = (
        "import sys, importlib.metadata as m; print(*[f'{n} {m.version(n)}' for n in sys.argv[1:]])"
    )
    return subprocess.run([python, "-c", code, *packages], capture_output=True, text=True).stdout


ALONE = """
import importlib.metadata, re, sys

def name_of(text):
    return re.split(r"[\\[<>=!~; (]", text.strip())[0].lower().replace("_", "-")

allowed, waiting = set(), [name_of(each) for each in sys.argv[2:]]
while waiting:
    name = waiting.pop()
    if name in allowed:
        continue
    allowed.add(name)
    try:
        needs = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        continue
    waiting += [name_of(each) for each in needs if "extra ==" not in each]
owners = importlib.metadata.packages_distributions()

class Elsewhere:
    def find_spec(self, module, path=None, target=None):
        found = {each.lower().replace("_", "-") for each in owners.get(module, ())}
        if path is None and found and not found & allowed:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)

sys.meta_path.insert(0, Elsewhere())
import napari_stem_defects as sd
print(sd.read(sys.argv[1]).pixels.shape)
"""


def read_with_the_extra_alone(path: Path) -> str:
    """Read a file with the packages that the extra ``formats`` brings and no others."""
    requirements = [*declared()[""], *declared()["formats"]]
    command = [sys.executable, "-c", ALONE, str(path), *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def test_the_extra_formats_brings_all_that_its_formats_need(tmp_path: Path) -> None:
    pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
    hdf5plugin = pytest.importorskip("hdf5plugin", reason="hdf5plugin is not installed")
    from microscope_samples import signal_dict, write_hspy, write_velox

    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    eds = write_velox(tmp_path / "eds.emd", {"HAADF": image}, eds=True)
    packed = write_hspy(tmp_path / "packed.hspy", signal_dict(image))
    with h5py.File(packed, "a") as file:
        (group,) = file["Experiments"].values()
        del group["data"]
        group.create_dataset("data", data=image, chunks=image.shape, **hdf5plugin.Blosc())
    assert read_with_the_extra_alone(eds) == "(6, 8)"
    assert read_with_the_extra_alone(packed) == "(6, 8)"
