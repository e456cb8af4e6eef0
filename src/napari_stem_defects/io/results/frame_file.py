"""Files of single frames, which are kept until all frames of a stack are finished."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import DefectClass, complete_classes
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.formats import read_arrays
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region
from napari_stem_defects.postprocessing.searched_share import searched_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def write_frame(path: Path, detection: Detection) -> None:
    """Write the detection in one frame as ``.npz``, with its masks as compressed bits.

    Parameters
    ----------
    path : Path
        The target.
    detection : Detection
        The result of one frame.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    masks, found = detection.mask_stack, detection.map
    metadata = {
        "image": detection.image,
        "frame": detection.frame,
        "classes": detection.map.classes,
        "class_data": [asdict(each) for each in detection.map.class_data],
        "mask_names": masks.names,
        "frame_shape": masks.shape,
        "mask_px": masks.areas_px(),
        "called": float(found.valid.mean()),
        "searched": searched_share(found.probability, found.valid, detection.parameters),
        "regions": [asdict(region) for region in detection.regions],
        "pixel_size_nm": detection.pixel_size_nm,
        "parameters": plain(detection.parameters),
        "seconds": detection.seconds,
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            about=np.array(json.dumps(metadata)),
            planes=np.frombuffer(b"".join(chain(*masks.packed)), np.uint8),
            planes_bytes=np.array([[len(each) for each in part] for part in masks.packed]),
            planes_to=np.array([rows.stop for rows in masks.row_slices]),
            probability=detection.map.probability,
            called=detection.map.valid,
            y=detection.map.y,
            x=detection.map.x,
        )


def read_frame_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata of a frame file.

    Parameters
    ----------
    path : Path
        A frame file.

    Returns
    -------
    dict
        Image, classes, mask names, regions (`Region`), parameters etc. of the frame.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    metadata: dict[str, Any] = json.loads(str(read_arrays(path, "about")["about"]))
    given = [DefectClass(**each) for each in metadata.get("class_data", ())]
    metadata["class_data"] = complete_classes(metadata["classes"], given)
    metadata["regions"] = [_region(region) for region in metadata["regions"]]
    return metadata


def _region(values: Mapping[str, Any]) -> Region:
    line = tuple((float(y), float(x)) for y, x in values.get("centre_line", ()))
    return Region(**{**values, "centre_line": line})


def read_frame_masks(path: Path, metadata: Mapping[str, Any]) -> MaskStack:
    """Read the masks of a frame file.

    Parameters
    ----------
    path : Path
        A frame file.
    metadata : mapping
        Result of `read_frame_metadata`.

    Returns
    -------
    MaskStack
        The masks of the frame.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    stored = read_arrays(path, "planes", "planes_bytes", "planes_to")
    lengths, stops = stored["planes_bytes"], stored["planes_to"].tolist()
    ends = np.cumsum(lengths.ravel())[:-1]
    masks = iter(np.split(stored["planes"], ends))
    height, width = metadata["frame_shape"]
    return MaskStack(
        names=tuple(metadata["mask_names"]),
        shape=(height, width),
        row_slices=tuple(slice(start, stop) for start, stop in pairwise([0, *stops])),
        packed=tuple(tuple(next(masks).tobytes() for _ in part) for part in lengths),
    )


def read_frame_grid(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read the window centres of a frame.

    Parameters
    ----------
    path : Path
        A frame file.

    Returns
    -------
    y, x : ndarray of float32, shape (gy,) and (gx,)
        In px of the image.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    stored = read_arrays(path, "y", "x")
    return stored["y"], stored["x"]


def read_frame_map(path: Path, classes: Sequence[DefectClass]) -> ProbabilityMap:
    """Read the probability map of a frame file.

    Parameters
    ----------
    path : Path
        A frame file.
    classes : sequence of DefectClass
        Classes in the metadata of the frame, as ``class_data``.

    Returns
    -------
    ProbabilityMap
        The map of the frame.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    stored = read_arrays(path, "probability", "y", "x", "called")
    return ProbabilityMap(
        probability=stored["probability"],
        y=stored["y"],
        x=stored["x"],
        classes=tuple(each.name for each in classes),
        valid=stored["called"],
        class_data=tuple(classes),
    )


def read_frame(path: Path) -> Detection:
    """Read the detection in one frame.

    Parameters
    ----------
    path : Path
        A frame file.

    Returns
    -------
    Detection
        As given to `write_frame`.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    metadata = read_frame_metadata(path)
    return Detection(
        image=metadata["image"],
        frame=metadata["frame"],
        map=read_frame_map(path, metadata["class_data"]),
        mask_stack=read_frame_masks(path, metadata),
        regions=tuple(metadata["regions"]),
        pixel_size_nm=metadata["pixel_size_nm"],
        parameters=metadata["parameters"],
        seconds=metadata["seconds"],
    )
