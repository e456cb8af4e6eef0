"""Which code a figure of the benchmark comes from.

A run continues where it stopped, so its figures could come from several states of the code. Every
draw therefore records a digest of the sources that it depends on, and only draws with the digest
of today are kept.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import napari_stem_defects

STUDIES = Path(__file__).resolve().parent
PACKAGE = Path(napari_stem_defects.__file__).resolve().parent
# What clicks, images and scores depend on.
BENCHMARK = ("few_clicks_tasks", "few_clicks_public", "few_clicks_families", "few_clicks_scores")
METHODS = ("few_clicks_methods", "random_forest")
# Parts of the package that change no result.
NO_RESULT = ("napari_plugin", "cli", "jobs", "reporting", "workers")


@lru_cache(maxsize=4)
def source_digest(*, package: bool) -> str:
    """Return the digest of the benchmark's own sources and of the simulation.

    With ``package``, for methods that use it, all of the package counts that can change a result.
    """
    parts = [STUDIES / f"{name}.py" for name in (*BENCHMARK, *METHODS)]
    inside = PACKAGE if package else PACKAGE / "simulation"
    parts += list((PACKAGE / "pretrained").glob("any-crystal.safetensors")) if package else []
    parts += [
        path for path in inside.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in NO_RESULT
    ]
    digest = hashlib.sha256()
    for path in sorted(parts):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
