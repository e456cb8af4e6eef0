"""Results of one micrograph in ``OUT/<name>/``: where they go, resumed, merged, read back.

Finished frames wait in ``OUT/<name>/.partial/<fingerprint>/frame_00012.npz``. When all are
there they are merged into the five files, ``summary.json`` last, and the partial folder goes.
The fingerprint is a hash of the image, the model, the parameters and this package's version:
a rerun with the same one skips what is finished; another one starts afresh and replaces the
results, unless somebody corrected them (`result_seal`). The five files are made aside and put
into place together, so a full disk leaves earlier results as they were. Two images with the same
name do not meet: the second one's folder is ``<name>_2``, told apart by the hash of the image.
Folders must be opened by one process; frames may then be written by many, on any machine that
sees the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import OutputError, OverwriteError, ReadError
from napari_stem_defects.io.atomic import move_into_place, replacing
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results import formats as formats
from napari_stem_defects.io.results.checksums import corrected, refuse_corrected, sealed
from napari_stem_defects.io.results.summary import (
    CORRECTIONS,
    findings_of,
    provenance_of,
    summary_of,
)
from napari_stem_defects.postprocessing.results import Detection, Region
from napari_stem_defects.reporting.overview import draw_overview, frames_to_show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

MASKS, PROBABILITY, REGIONS = "masks.ome.tif", "probability.npz", "regions.csv"
SUMMARY, OVERVIEW = "summary.json", "overview.png"
RESULT_FILES = (MASKS, PROBABILITY, REGIONS, SUMMARY, OVERVIEW)

_PARTIAL = ".partial"
_JOB = "job.json"
_MERGED = "merged"
_EACH = "of each frame"
# What Windows refuses in names; the same everywhere, so that results can be carried over.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class ResultFolder:
    """The folder of one micrograph's results; small and plain, so it can be sent to workers.

    Attributes
    ----------
    path : Path
    fingerprint : str
        Hash of all that shapes the results.
    frames : tuple of int
        The frames the results will hold.
    overwrite : bool
        Whether results that somebody corrected may be replaced.
    corrects : bool
        Whether these results carry corrections themselves; they may replace others that do.
    """

    path: Path
    fingerprint: str
    frames: tuple[int, ...]
    overwrite: bool = False
    corrects: bool = False

    @property
    def finished(self) -> bool:
        """Whether the merged files of this very job are there."""
        if not all((self.path / name).is_file() for name in RESULT_FILES):
            return False
        return _told(self.path / SUMMARY).get("fingerprint") == self.fingerprint

    def finished_frames(self) -> frozenset[int]:
        """Return the frames that need no work any more."""
        if self.finished:
            return frozenset(self.frames)
        return frozenset(frame for frame in self.frames if self._frame_path(frame).is_file())

    def write_frame(self, detection: Detection) -> None:
        """Keep a finished frame; writing one twice does no harm.

        Raises
        ------
        OutputError
            The disk is full or the folder may not be written to.
        """
        formats.write_frame(self._frame_path(detection.frame), detection)

    def merge(self, micrograph: Micrograph, model: Mapping[str, Any]) -> Path:
        """Write the five files from the finished frames and remove these; return the folder.

        Parameters
        ----------
        micrograph : Micrograph
            What was searched, for the overview.
        model : mapping
            ``name``, ``sha256`` and whatever else the summary should say about the model.

        Raises
        ------
        OutputError
            A frame is missing or damaged, the disk is full or the folder may not be written to.
        OverwriteError
            Earlier results in the folder were corrected since they were written.
        """
        missing = set(self.frames) - self.finished_frames()
        if missing:
            raise OutputError(f"{self.path}: frame {min(missing)} is not finished; run again")
        paths = [self._frame_path(frame) for frame in self.frames]
        try:
            abouts = [formats.read_frame_about(path) for path in paths]
            self._write_arrays(paths, abouts, micrograph, model)
            self._write_texts(paths, abouts, micrograph, model)
        except ReadError as error:
            _remove_damaged(paths)
            raise OutputError(str(error)) from error
        if not self.overwrite:
            self.refuse_corrected()
        self._publish()
        shutil.rmtree(self.path / _PARTIAL, ignore_errors=True)
        return self.path

    def refuse_corrected(self) -> None:
        """Raise OverwriteError where the folder holds results that somebody corrected."""
        summary = _told(self.path / SUMMARY)
        refuse_corrected(summary, SUMMARY, self.path)
        if summary.get(CORRECTIONS) and not self.corrects:
            fault = f"holds {len(summary[CORRECTIONS])} regions that somebody corrected"
            advice = "choose another folder, or lose them with --overwrite"
            raise OverwriteError(one_line(self.path, fault, advice))

    @property
    def _aside(self) -> Path:
        """Where the five files are made before they take the place of earlier ones."""
        return self.path / _PARTIAL / self.fingerprint[:16] / _MERGED

    def _publish(self) -> None:
        """Put the five files into place, the one that vouches for the others last."""
        _withdraw(self.path / SUMMARY)
        for name in (MASKS, PROBABILITY, REGIONS, OVERVIEW, SUMMARY):
            move_into_place(self._aside / name, self.path / name)

    def _frame_path(self, frame: int) -> Path:
        return self.path / _PARTIAL / self.fingerprint[:16] / f"frame_{frame:05d}.npz"

    def _write_arrays(
        self,
        paths: Sequence[Path],
        abouts: Sequence[dict[str, Any]],
        micrograph: Micrograph,
        model: Mapping[str, Any],
    ) -> None:
        count = len(paths) if micrograph.is_stack else None
        formats.write_masks(
            self._aside / MASKS,
            map(formats.read_frame_planes, paths, abouts),
            count,
            abouts[0]["pixel_size_nm"],
            provenance_of(abouts[0], micrograph, model),
        )
        maps = (formats.read_frame_map(path, abouts[0]["classes"]) for path in paths)
        formats.write_probability(self._aside / PROBABILITY, maps, count)

    def _write_texts(
        self,
        paths: Sequence[Path],
        abouts: Sequence[dict[str, Any]],
        micrograph: Micrograph,
        model: Mapping[str, Any],
    ) -> None:
        regions = [Region(**region) for about in abouts for region in about["regions"]]
        formats.write_regions(self._aside / REGIONS, regions)
        findings = findings_of(abouts, regions)
        shown = [formats.read_frame(paths[place]) for place in frames_to_show(len(paths))]
        picture = draw_overview(micrograph, shown, findings, str(model["name"]))
        with replacing(self._aside / OVERVIEW) as temporary:
            picture.save(temporary, format="PNG")
        summary = summary_of(abouts, findings, micrograph, model)
        summary["fingerprint"] = self.fingerprint
        others = (MASKS, PROBABILITY, REGIONS, OVERVIEW)
        formats.write_json(self._aside / SUMMARY, sealed(summary, SUMMARY, self._aside, others))


def open_results(
    out: Path,
    micrograph: Micrograph,
    model: Mapping[str, Any],
    parameters: Mapping[str, Any],
    frames: Sequence[int] | None = None,
    *,
    overwrite: bool = False,
) -> ResultFolder:
    """Find or make the folder for a micrograph's results and clear what does not belong.

    Parameters
    ----------
    out : Path
    micrograph : Micrograph
        Its ``name`` names the folder, its ``sha256`` tells it from others of that name.
    model : mapping
        Its ``sha256`` enters the fingerprint.
    parameters : mapping
        All that is known beforehand and shapes the result.
    frames : sequence of int, optional
        The frames to be searched; all by default.
    overwrite : bool
        Do corrected results again and replace them.

    Raises
    ------
    OutputError
        The folder may not be written to.
    OverwriteError
        It holds results of another job that somebody corrected.
    """
    chosen = tuple(range(micrograph.frame_count) if frames is None else frames)
    folder = ResultFolder(
        path=_folder_for(out, micrograph),
        fingerprint=_fingerprint(micrograph.sha256, str(model["sha256"]), parameters, chosen),
        frames=chosen,
        overwrite=overwrite,
        corrects=any(CORRECTIONS in each for each in parameters.get(_EACH, ())),
    )
    if folder.finished and not (overwrite and _is_corrected(folder)):
        return folder
    if not overwrite:
        folder.refuse_corrected()
    _claim(folder, micrograph.sha256)
    if folder.finished:
        _withdraw(folder.path / SUMMARY)
    return folder


def _is_corrected(folder: ResultFolder) -> bool:
    return corrected(_told(folder.path / SUMMARY), SUMMARY, folder.path) is not None


def write_results(
    out: Path,
    micrograph: Micrograph,
    detections: Sequence[Detection],
    model: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the results of an image, or of all or some frames of a stack, at once.

    ``overwrite`` lets them replace results that somebody corrected.

    Returns
    -------
    Path
        The folder with `RESULT_FILES`.

    Raises
    ------
    OutputError
        The disk is full or the folder may not be written to.
    OverwriteError
        Earlier results were corrected.
    """
    frames = [detection.frame for detection in detections]
    shaping = {_EACH: [detection.parameters for detection in detections]}
    folder = open_results(out, micrograph, model, shaping, frames, overwrite=overwrite)
    if folder.finished:
        return folder.path
    for detection in detections:
        folder.write_frame(detection)
    return folder.merge(micrograph, model)


def read_results(path: Path) -> tuple[Detection, ...]:
    """Read a folder of results, one detection per frame.

    Raises
    ------
    ReadError
        A file is missing or damaged.
    """
    summary = read_summary(path)
    maps = tuple(formats.read_probability(path / PROBABILITY))
    names = tuple(summary["planes"])
    height, width = summary["image"]["frame_shape"]
    frames = formats.read_masks(path / MASKS, names, len(maps), (height, width))
    regions = formats.read_regions(path / REGIONS)
    return tuple(
        Detection(
            image=summary["image"]["name"],
            frame=frame["frame"],
            map=answers,
            planes=planes,
            regions=tuple(region for region in regions if region.frame == frame["frame"]),
            pixel_size_nm=summary["image"]["pixel_size_nm"],
            parameters=summary["parameters"],
            seconds=frame["seconds"],
        )
        for frame, answers, planes in zip(summary["frames"], maps, frames, strict=True)
    )


def read_summary(path: Path) -> dict[str, Any]:
    """Read ``summary.json`` of a folder of results; raises ReadError where there is none."""
    summary = formats.read_json(path / SUMMARY)
    if "fingerprint" not in summary:
        raise ReadError(one_line(path / SUMMARY, "is no summary of ours", "choose a result folder"))
    return summary


def _fingerprint(
    image_sha256: str, model_sha256: str, parameters: Mapping[str, Any], frames: Sequence[int]
) -> str:
    parts = [image_sha256, model_sha256, plain(parameters), list(frames), __version__]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _folder_for(out: Path, micrograph: Micrograph) -> Path:
    """Return the first of ``<name>``, ``<name>_2``, ... that is free or this image's already."""
    stem = _FORBIDDEN.sub("_", micrograph.name).rstrip(". ") or "image"
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    path, number = out / stem, 1
    while not _is_free(path) and _owner(path) != micrograph.sha256:
        number += 1
        path = out / f"{stem}_{number}"
    return path


def _is_free(path: Path) -> bool:
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def _owner(path: Path) -> str | None:
    """Return the hash of the image whose results a folder holds, or None for a stranger's."""
    job = _told(path / _PARTIAL / _JOB).get("image_sha256")
    owner: str | None = job or _told(path / SUMMARY).get("image", {}).get("sha256")
    return owner


def _told(path: Path) -> dict[str, Any]:
    """Read a file of ours if it is there and whole."""
    try:
        return formats.read_json(path)
    except ReadError:
        return {}


def _claim(folder: ResultFolder, image_sha256: str) -> None:
    """Say whose the folder is and remove the frames of other jobs."""
    partial = folder.path / _PARTIAL
    formats.write_json(
        partial / _JOB, {"image_sha256": image_sha256, "fingerprint": folder.fingerprint}
    )
    for stale in partial.iterdir():
        if stale.is_dir() and stale.name != folder.fingerprint[:16]:
            shutil.rmtree(stale, ignore_errors=True)


def _remove_damaged(paths: Sequence[Path]) -> None:
    """Remove the frames that cannot be read, so that only they are done again."""
    for path in paths:
        try:
            formats.read_frame(path)
        except ReadError:
            path.unlink(missing_ok=True)


def _withdraw(summary: Path) -> None:
    """Remove the mark of finished results before the files it vouches for change."""
    try:
        summary.unlink(missing_ok=True)
    except OSError as error:
        fault = f"cannot be replaced ({error.strerror or error})"
        raise OutputError(one_line(summary, fault, "close it elsewhere and run again")) from error
