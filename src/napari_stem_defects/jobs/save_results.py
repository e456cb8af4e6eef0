"""Saving of opened results with other thresholds and corrections."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.folder_kinds import PARTIAL, SUMMARY
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.available_folder import available_folder
from napari_stem_defects.io.results.checksums import refuse_edited
from napari_stem_defects.io.results.frame_pages import DEFAULT_PICTURES, PICTURES_DRAWN
from napari_stem_defects.io.results.result_folder import ResultFolder
from napari_stem_defects.io.results.summary import CORRECTIONS
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.jobs.corrections import Correction, apply_corrections, differs
from napari_stem_defects.jobs.opened_images import blank_image, image_of
from napari_stem_defects.jobs.opened_result import open_result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.results.stored_result import StoredResult


def save_results(
    source: Path,
    thresholds: Mapping[str, float],
    corrections: Sequence[Correction],
    *,
    out: Path | None = None,
    fingerprints: Sequence[str] = (),
    images: Sequence[Path | None] = (),
    report: ProgressCallback = silent,
) -> Path:
    """Write opened results with thresholds and corrections, one frame at a time.

    Parameters
    ----------
    source : Path
        A result folder, or a folder of several.
    thresholds : mapping of str to float
        Replaces the stored thresholds of the classes named; empty where no probabilities are
        stored.
    corrections : sequence of Correction
        All corrections, the stored ones included; their frames are those of the whole.
    out : Path, optional
        Parent folder for new result folders; by default the stored results are replaced.
    fingerprints : sequence of str
        Of the results when they were opened, in their order; results that another program has
        replaced since then are not overwritten.
    images : sequence of (Path or None), optional
        Where the images are, in the order of the results; those that are not given are looked for.
    report : callable
        Called with the progress after every image.

    Returns
    -------
    Path
        The folder of the results; of a batch the folder of all.

    Raises
    ------
    ReadError, OutputError, OverwriteError, InUseError
        Results are damaged, cannot be written, were edited by hand, or are being written.
    InputError
        The results have changed since they were opened.
    """
    opened = open_result(source)
    current = [str(member.summary["fingerprint"]) for member in opened.members]
    if fingerprints and list(fingerprints) != current:
        fault = "was replaced by another program since it was opened"
        raise InputError(one_line(source, fault, "open it again"))
    for member, path in zip(opened.members, images, strict=False):
        member.moved_to = path
    first, folder = 0, opened.folder
    total, done = len(opened.frames), 0
    for member in opened.members:
        frames = range(first, first + member.frame_count)
        mine = [
            replace(each, frame=each.frame - first) for each in corrections if each.frame in frames
        ]
        first += member.frame_count
        if out is None and not _is_changed(member, thresholds, mine):
            done += len(member.frames)
            continue
        report(Progress("writing results", done, total))
        folder = _save(member, thresholds, mine, out)
        done += len(member.frames)
    if len(opened.members) > 1:
        return opened.folder if out is None else out
    return folder


def _is_changed(
    member: StoredResult, thresholds: Mapping[str, float], corrections: Sequence[Correction]
) -> bool:
    stored = member.summary["parameters"].get("thresholds", {})
    kept = [Correction(**each) for each in member.summary.get(CORRECTIONS) or ()]
    return {**stored, **thresholds} != stored or kept != list(corrections)


def _save(
    member: StoredResult,
    thresholds: Mapping[str, float],
    corrections: Sequence[Correction],
    out: Path | None,
) -> Path:
    micrograph = image_of(member) or blank_image(member)
    target = member.folder if out is None else available_folder(out, micrograph)
    folder = ResultFolder(
        path=target,
        fingerprint=_fingerprint(member, thresholds, corrections),
        frames=member.frames,
        has_corrections=True,
        pictures=member.summary.get(PICTURES_DRAWN, {}).get("drawn", DEFAULT_PICTURES),
    )
    with ExitStack() as stack:
        stack.enter_context(WriteLock(target, "export"))
        if out is None:
            refuse_edited(member.summary, SUMMARY, target)
        else:
            folder.refuse_edited()
        try:
            for frame in member.frames:
                result = _result(member, frame, micrograph, thresholds, corrections)
                folder.write_frame(result.detection())
            member.close()
            return folder.merge(micrograph, member.summary["model"])
        except BaseException:
            shutil.rmtree(target / PARTIAL / folder.fingerprint[:16], ignore_errors=True)
            raise
        finally:
            member.close()


def _result(
    member: StoredResult,
    frame: int,
    micrograph: Micrograph,
    thresholds: Mapping[str, float],
    corrections: Sequence[Correction],
) -> FrameResult:
    """Return the result of a frame; where nothing changes, as it is stored."""
    result = FrameResult.of(member.detection(frame), micrograph.frame(frame).invalid)
    if not differs(result, thresholds, corrections):
        return result
    return apply_corrections(result.with_thresholds(thresholds), corrections)


def _fingerprint(
    member: StoredResult, thresholds: Mapping[str, float], corrections: Sequence[Correction]
) -> str:
    parts: list[Any] = [
        member.summary["fingerprint"],
        dict(thresholds),
        [vars(each) for each in corrections],
        __version__,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
