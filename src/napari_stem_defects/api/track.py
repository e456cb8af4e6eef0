"""Defects followed through a movie, for scripts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import colours_of
from napari_stem_defects.base.paths import to_path
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.stored_result import StoredResult
from napari_stem_defects.io.results.tracks_folder import Tracks, write_tracks
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.tracking.drift import Drift, measure_drift
from napari_stem_defects.tracking.histories import (
    class_dynamics,
    count_frames,
    find_hops,
    make_histories,
)
from napari_stem_defects.tracking.linking import MEMORY, link_defects, search_range_px

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph


@dataclass(frozen=True)
class Tracking:
    """Defects of a movie over time, and where the tables are.

    Attributes
    ----------
    folder : Path
        ``tracks`` in the result folder.
    tracks : Tracks
        Drift, points, hops, histories, rates of the classes, and counts.
    range_px : float
        Search range from frame to frame, px.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    notes : tuple of str
        What could not be drawn; no data are missing.

    Examples
    --------
    >>> sd.Tracking.__dataclass_fields__["range_px"].type
    'float'
    """

    folder: Path
    tracks: Tracks
    range_px: float
    pixel_size_nm: float | None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Tracking({str(self.folder)!r}, {len(self.tracks.histories)} tracks)"


def track(
    result: str | Path,
    *,
    image: str | Path | None = None,
    take_out_drift: bool = True,
    range_px: float | None = None,
    memory: int = MEMORY,
    frame_time_s: float | None = None,
    read_image: Callable[..., Micrograph] | None = None,
    report: ProgressCallback | None = None,
) -> Tracking:
    """Link the point defects of a movie over time and write tables of what happens to them.

    The drift of the specimen is measured from the images and taken out first. Regions that were
    corrected in *Detect defects* and saved are linked as corrected.

    Parameters
    ----------
    result : str or Path
        Result folder of a stack.
    image : str or Path, optional
        The stack, if it was moved since.
    take_out_drift : bool, default: True
        Whether drift is measured; without it the image is not needed.
    range_px : float, optional
        How far a defect may be from one frame to the next, px; by default 1.2 times the longer of
        the two shortest lattice vectors.
    memory : int, default: 1
        Number of frames for which a defect may be missed without ending its track.
    frame_time_s : float, optional
        Time from frame to frame in s, for rates per second.
    read_image : callable, optional
        Reads the stack, with ``signal`` where one was chosen; by default `read`.
    report : callable, optional
        Called with a `Progress` after every frame.

    Returns
    -------
    Tracking
        Its tables are in ``tracks`` in the result folder.

    Raises
    ------
    InputError
        The folder holds no result of a stack, the image is not found, or trackpy is not installed.

    Examples
    --------
    >>> sd.track("nowhere")
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.ReadError: nowhere: is no folder; ...
    """
    stored = StoredResult(to_path(result))
    if len(stored.frames) < 2:
        advice = "give the result of a stack of frames"
        raise InputError(one_line(stored.folder, "holds the result of a single frame", advice))
    if image is not None:
        stored.moved_to = to_path(image)
    vectors = _lattice_vectors(stored)
    reach = search_range_px(vectors) if range_px is None else range_px
    if take_out_drift:
        drift = _drift(stored, vectors, read_image or read, report or silent)
    else:
        nothing = np.zeros((len(stored.frames), 2))
        drift = Drift(stored.frames, nothing, np.full(len(stored.frames), np.nan))
    moved = dict(zip(drift.frames, drift.shift_px, strict=True))
    spots = link_defects(stored.regions, moved, reach, memory=memory)
    hops = find_hops(spots, vectors)
    histories = make_histories(spots, hops, stored.frames, stored.frame_shape, reach / 2)
    names = [name for name in stored.names if name != "unknown"]
    counts = {
        frame: {name: sum(r.class_name == name for r in regions) for name in names}
        for frame, regions in stored.regions.items()
    }
    tracks = Tracks(
        drift,
        spots,
        [hop for each in hops.values() for hop in each],
        histories,
        class_dynamics(histories, len(stored.frames)),
        count_frames(counts, histories),
    )
    about: dict[str, Any] = {
        "image": stored.name,
        "pixel_size_nm": stored.pixel_size_nm,
        "frame_time_s": frame_time_s,
        "fingerprint": stored.summary["fingerprint"],
        "frames": list(stored.frames),
        "range_px": reach,
        "memory": memory,
        "drift": "cross-correlation" if take_out_drift else "none",
        "vectors_px": None if vectors is None else vectors.tolist(),
    }
    with WriteLock(stored.folder, "track"):
        folder, notes = write_tracks(stored.folder, tracks, about, colours_of(stored.classes))
    return Tracking(folder, tracks, reach, stored.pixel_size_nm, notes)


def _lattice_vectors(stored: StoredResult) -> NDArray[np.float64] | None:
    """Return the base vectors (y, x) in px of the lattice measured in the first frame."""
    lattice = stored.summary["parameters"].get("lattice") or {}
    vectors = lattice.get("vectors_px")
    if not vectors or np.shape(vectors) != (2, 2):
        return None
    return np.array(vectors, np.float64)


def _drift(
    stored: StoredResult,
    vectors: NDArray[np.float64] | None,
    read_image: Callable[..., Micrograph],
    report: ProgressCallback,
) -> Drift:
    path = stored.find_image()
    if path is None:
        advice = "give it with --image FILE, or track without drift (--no-drift)"
        raise InputError(one_line(stored.folder, "its image is not found", advice))
    signal = stored.summary["image"].get("signal")  # of a file with several, the one searched
    micrograph = read_image(path, signal=signal) if signal else read_image(path)
    micrograph = replace(micrograph, name=stored.name)
    if (
        micrograph.frame_shape != stored.frame_shape
        or micrograph.sha256 != stored.summary["image"]["sha256"]
    ):
        fault = "is not the image that was searched"
        raise InputError(one_line(path, fault, "give that one with --image FILE"))
    total = len(stored.frames)
    return measure_drift(
        lambda frame: micrograph.frame(frame).pixels,
        stored.frames,
        vectors,
        lambda done: report(Progress("measuring drift", done, total)),
    )
