"""Write the manifest of labelled platinum atoms from a clone of their repository.

    git clone https://github.com/HPAI-BSC/AtomDetection_ACSTEM
    python benchmarks/platinum_manifest.py AtomDetection_ACSTEM benchmarks/manifests/platinum.json

The images and labels are by Mitchell et al., J. Am. Chem. Soc. 144, 8018 (2022), under the MIT
licence. They stay where they are; the manifest holds their names, sources and checksums.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

COMMIT = "118c11dbe6dbb49525acd0221005742d08079288"
SOURCE = f"https://raw.githubusercontent.com/HPAI-BSC/AtomDetection_ACSTEM/{COMMIT}/data"
WIDTH_NM, WIDTH_PX = 15.0, 512  # "15nm" in the names of the files is the width of an image
TOLERANCE_NM = 0.15  # 5 px; two atoms that are closer are hardly two to the eye
CLASS = "Pt_atom"


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path)
    parser.add_argument("manifest", type=Path)
    options = parser.parse_args()
    with (options.clone / "dataset" / "Coordinate_image_pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    content = {
        "schema": 1,
        "name": "single platinum atoms on carbon",
        "classes": {CLASS: {"kind": "point", "known": False}},
        "images": [_image(options.clone / "data", row) for row in rows],
    }
    options.manifest.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _image(data: Path, row: dict[str, str]) -> dict[str, Any]:
    return {
        "name": row["Filename"].partition(".")[0],
        "group": f"{row['Split']} part of the publication",
        "known": False,
        "licence": "MIT",
        "height_px": WIDTH_PX,
        "width_px": WIDTH_PX,
        "pixel_size_nm": WIDTH_NM / WIDTH_PX,
        "tolerance_nm": TOLERANCE_NM,
        "y_column": "Y",
        "x_column": "X",
        "class_column": None,
        "image": _listed(data, f"tif_data/{row['Filename']}"),
        "points": _listed(data, f"label_coordinates/{row['Coords']}"),
    }


def _listed(data: Path, path: str) -> dict[str, str]:
    sha256 = hashlib.sha256((data / path).read_bytes()).hexdigest()
    return {"path": path, "url": f"{SOURCE}/{path}", "sha256": sha256}


if __name__ == "__main__":
    main()
