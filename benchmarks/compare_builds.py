"""Compare the results of two source trees, value by value.

    python benchmarks/compare_builds.py record TREE FOLDER [--data DATA]
    python benchmarks/compare_builds.py compare FOLDER_BEFORE FOLDER_AFTER

``record`` runs the command line of the package in TREE/src: a simulation, the detection of the
public micrographs with both pretrained ensembles, and a short training on patches. ``compare``
reports every mask, probability, region, parameter and weight that differs between two recordings
and exits with 1 if there is any. It shows that a refactoring changes no result.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile

# What depends on the clock, on where a run took place or on the version of the package.
# Checksums of files follow from these, and OME-TIFF files hold a random identifier.
VOLATILE = {"seconds", "versions", "path", "written", "created", "files"}
# Relative difference up to which two numbers in JSON count as equal; arrays must be identical.
ROUNDING = 1e-12
DETECTIONS = (
    ("cdte-110", ["CdTe_Training_Image.tif", "CdTe_interstitials.tif", "CdTe_vacancies.tif"]),
    ("sto-001", ["STO_extra.tif", "STO_iextra.tif", "STO_missing.tif", "STO_Training_Image.jpg"]),
)


def record(tree: Path, folder: Path, data: Path) -> None:
    """Run the commands of one source tree and keep what they write."""
    environment = {**os.environ, "PYTHONPATH": str((tree / "src").resolve())}

    def run(*arguments: str | Path) -> None:
        command = [sys.executable, "-m", "napari_stem_defects", *map(str, arguments)]
        subprocess.run(command, env=environment, cwd=folder, check=True)

    folder.mkdir(parents=True, exist_ok=True)
    folder, data = folder.resolve(), data.resolve()
    run("simulate", "--out", folder / "simulated", "--size", "512", "--seed", "3")
    for model, names in DETECTIONS:
        images = [data / "images" / name for name in names]
        for stride in ("8", "5"):
            out = folder / f"{model}.{stride}"
            run("detect", *images, "--out", out, "--model", model, "--stride", stride)
    large = data / "other" / "STO_Ge_3044px.jpg"
    run("detect", large, "--out", folder / "large", "--model", "sto-001", "--stride", "16")
    run("preprocess", data / "images" / "CdTe_vacancies.tif", "--out", folder / "stages")
    patches = data / "patches" / "DataSet_STO"
    for recipe in ("suited", "abstract"):
        model = folder / f"{recipe}.safetensors"
        options = ["--classes", "Bulk,Mis", "--epochs", "Bulk=1,Mis=2", "--recipe", recipe]
        run("train", patches, "--out", model, "--seed", "4", "--split", "random", *options)


def compare(before: Path, after: Path) -> int:
    """Print what differs between two recordings and return the number of differences."""
    names = {
        path.relative_to(root).as_posix()
        for root in (before, after)
        for path in root.rglob("*")
        if path.is_file()
    }
    differences, counted = 0, {"same": 0}
    for name in sorted(names):
        pair = before / name, after / name
        missing = [str(path) for path in pair if not path.exists()]
        faults = [f"missing: {path}" for path in missing] or _differences(*pair)
        counted["same"] += not faults
        for fault in faults:
            print(f"{name}: {fault}")
        differences += len(faults)
    print(
        f"{counted['same']} of {len(names)} files hold the same values; {differences} differences"
    )
    return differences


def _differences(before: Path, after: Path) -> list[str]:
    """Return what differs in the content of two files of one name."""
    readers = {".tif": _tiff, ".npz": _arrays, ".json": _json, ".safetensors": _safetensors}
    read = readers.get(before.suffix, Path.read_bytes)
    first, second = read(before), read(after)
    if isinstance(first, dict):
        return [
            f"{key} differs: {str(first.get(key))[:80]} -> {str(second.get(key))[:80]}"
            for key in sorted({*first, *second})
            if not _equal(first.get(key), second.get(key))
        ]
    return [] if first == second else ["bytes differ"]


def _equal(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        same_kind = first.dtype == second.dtype and first.shape == second.shape
        return same_kind and first.tobytes() == second.tobytes()
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=ROUNDING)
    return first == second


def _tiff(path: Path) -> dict[str, object]:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        return {"pixels": tiff.asarray(), "axes": tiff.series[0].axes, "tags": page.dtype}


def _arrays(path: Path) -> dict[str, object]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _json(path: Path) -> dict[str, object]:
    return _flat(json.loads(path.read_text(encoding="utf-8")))


def _safetensors(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    found: dict[str, object] = {"weights": content[8 + length :]}
    for key, value in header.pop("__metadata__", {}).items():
        try:
            found |= _flat({key: json.loads(value)})
        except ValueError:
            found |= _flat({key: value})
    return found | _flat(header)


def _flat(value: object, at: str = "") -> dict[str, object]:
    """Return the leaves of nested JSON by their path, volatile ones left out."""
    if isinstance(value, dict):
        leaves: dict[str, object] = {}
        for key, each in value.items():
            if key not in VOLATILE:
                leaves |= _flat(each, f"{at}/{key}")
        return leaves
    if isinstance(value, list):
        return _flat({str(index): each for index, each in enumerate(value)}, at)
    return {at: value}


def main() -> int:
    """Run the chosen action."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record")
    recording.add_argument("tree", type=Path)
    recording.add_argument("folder", type=Path)
    default = os.environ.get("STEM_DEFECTS_DATA", Path(__file__).parents[2] / "shared" / "data")
    recording.add_argument("--data", type=Path, default=Path(default))
    comparing = actions.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    chosen = parser.parse_args()
    if chosen.action == "record":
        record(chosen.tree, chosen.folder, chosen.data)
        return 0
    return int(compare(chosen.before, chosen.after) > 0)


if __name__ == "__main__":
    sys.exit(main())
