"""Tells results as they were written from results that somebody corrected since.

The summary carries the sha256 of every file beside it and of itself, so that an hour of
retouching masks or striking regions from the table is not lost to a rerun.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import OverwriteError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SEALS = "files"


def sealed(
    summary: Mapping[str, Any], own_name: str, folder: Path, names: Sequence[str]
) -> dict[str, Any]:
    """Return a summary with the hashes of itself and of the named files in ``folder``."""
    seals = {name: _hash_of_file(folder / name) for name in names}
    return {**summary, _SEALS: {**seals, own_name: _hash_of_text(summary)}}


def corrected(summary: Mapping[str, Any], own_name: str, folder: Path) -> str | None:
    """Return the name of the first file that is not as it was written, None where all are.

    A file that is gone was not corrected. A summary without hashes cannot vouch for anything.
    """
    if not summary:
        return None
    seals = summary.get(_SEALS)
    bare = {name: value for name, value in summary.items() if name != _SEALS}
    if not isinstance(seals, dict) or seals.get(own_name) != _hash_of_text(bare):
        return own_name
    there = (name for name in seals if name != own_name and (folder / name).is_file())
    return next((name for name in there if seals[name] != _hash_of_file(folder / name)), None)


def refuse_corrected(summary: Mapping[str, Any], own_name: str, folder: Path) -> None:
    """Raise OverwriteError where writing into ``folder`` would lose somebody's corrections."""
    name = corrected(summary, own_name, folder)
    if name is not None:
        fault = f"{name} was changed since it was written"
        advice = "choose another folder, or lose the changes with --overwrite"
        raise OverwriteError(one_line(folder, fault, advice))


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_of_text(summary: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest()
