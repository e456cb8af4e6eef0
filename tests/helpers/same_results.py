"""Comparison of result folders bit by bit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import tifffile

# What differs from run to run: times, and the identity of each OME file.
_TIMES = {"seconds", "written", "files"}


def assert_same_results(one: Path, other: Path) -> None:
    """Assert that two folders hold the same files, down to the last bit of each number."""
    names = sorted(path.name for path in one.iterdir())
    assert sorted(path.name for path in other.iterdir()) == names
    for name in names:
        if name == "summary.json":
            first, second = (json.loads((folder / name).read_text()) for folder in (one, other))
            assert _timeless(first) == _timeless(second)
        else:
            first, second = ((folder / name).read_bytes() for folder in (one, other))
            if name.endswith(".ome.tif"):
                first, second = _anonymous(one / name), _anonymous(other / name)
            assert first == second, name


def _anonymous(path: Path) -> bytes:
    with tifffile.TiffFile(path) as tif:
        identity = re.search(rb"urn:uuid:[0-9a-f-]+", (tif.ome_metadata or "").encode())
    content = path.read_bytes()
    return content.replace(identity[0], b"") if identity else content


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in _TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
