"""What a command has written into a folder, from the names and the beginning of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

FolderKind = Literal["detection", "survey", "labels", ""]

SUMMARY, PARTIAL, JOURNAL = "summary.json", ".partial", "labels.jsonl"
TRUTH = "truth.json"
"""In the folder of the ground truth of a simulation."""
_TITLES: dict[FolderKind, str] = {
    "detection": "the result of a detection",
    "survey": "a survey",
    "labels": "a label project",
}


def folder_kind(path: Path) -> FolderKind:
    """Return what a command has written into a folder.

    Parameters
    ----------
    path : Path
        Anything.

    Returns
    -------
    str
        "detection" for a result, also an unfinished or a damaged one; "survey"; "labels" for a
        label project; "" for anything else. Never raises.
    """
    try:
        if (path / JOURNAL).is_file():
            return "labels"
        if (path / SUMMARY).is_file():
            return _kind_of_summary(path / SUMMARY)
        return "detection" if (path / PARTIAL).is_dir() else ""
    except (OSError, ValueError):  # a name that this system does not allow
        return ""


def folder_title(path: Path) -> str:
    """Return what a command has written into a folder, in words.

    Parameters
    ----------
    path : Path
        Anything.

    Returns
    -------
    str
        Such as "a survey", or "results of detections" for a folder that contains some; "" where
        it is neither.
    """
    kind = folder_kind(path)
    if kind:
        return _TITLES[kind]
    try:
        inner = {folder_kind(each) for each in path.iterdir() if each.is_dir()}
    except OSError:
        return ""
    if "detection" in inner:
        return "a folder with results of detections"
    return "a folder with surveys" if "survey" in inner else ""


def _kind_of_summary(path: Path) -> FolderKind:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "detection"
    # Summaries of long movies take a while to parse, so only words in them are looked for. One that
    # was cut short, or is empty, may be that of another program.
    is_cut = not text.rstrip().endswith(("}", "]"))
    if is_cut or ('"fingerprint"' in text and '"planes"' in text):
        return "detection"
    return "survey" if '"result": "survey"' in text else ""
