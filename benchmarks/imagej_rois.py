"""Check exported ROIs in ImageJ itself: every region is filled with exactly its pixels.

    python benchmarks/imagej_rois.py RESULT --ij ij.jar

``RESULT`` is a folder that ``stem-defects detect`` wrote; ``ij.jar`` comes with ImageJ or Fiji, or
with the package imagej of Debian. Needs a Java development kit of version 11 or newer.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import tifffile

import napari_stem_defects as sd

PROGRAM = Path(__file__).with_name("ImageJRois.java")


def rois_in_imagej(path: Path, jar: Path, shape: tuple[int, int]) -> dict[str, list[str]]:
    """Return what ImageJ reads of each ROI, by its name."""
    words = ["java", "-cp", str(jar), str(PROGRAM), str(path), str(shape[1]), str(shape[0])]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: rest for name, *rest in (line.split("\t") for line in lines)}


def faults_of(row: dict[str, str], found: dict[str, list[str]], is_stack: bool) -> str:
    """Return how the ROI of a row of the table differs from it; "" if it does not."""
    frame = int(row["frame"])
    name = f"{f'frame {frame} ' if frame else ''}{row['class']} {row['region']}"
    if name not in found:
        return f"{name}: missing"
    kind, position, _, _, count, *_ = found[name]
    wanted = frame + 1 if is_stack else 0
    if int(position) != wanted:
        return f"{name}: on slice {position}, not {wanted}"
    if int(count) != int(row["area_px"]):
        return f"{name}: {count} px are filled, not {row['area_px']} ({kind})"
    return ""


def main() -> int:
    """Export with outlines, read in ImageJ, compare with the table of the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path)
    parser.add_argument("--ij", type=Path, required=True, help="ij.jar")
    options = parser.parse_args()
    with tifffile.TiffFile(options.result / "masks.ome.tif") as file:
        series = file.series[0]
        shape, is_stack = series.shape[-2:], len(series.shape) == 4
    with tempfile.TemporaryDirectory() as folder:
        (path,) = sd.export(options.result, "imagej", folder, outlines=True).files
        found = rois_in_imagej(path, options.ij, shape)
    with (options.result / "regions.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] != "unknown"]
    faults = [fault for row in rows if (fault := faults_of(row, found, is_stack))]
    print("\n".join([f"{len(rows)} regions, {len(faults)} differ", *faults]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
