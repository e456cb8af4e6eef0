"""The finished frames of an image, read from their files one at a time.

What is kept of each frame is small, so that the frames of a long movie are merged with the memory
of one: values that frames have in common are kept once, regions are read again where they are
needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.results.frame_file import (
    read_frame_grid,
    read_frame_map,
    read_frame_masks,
    read_frame_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region


@dataclass(frozen=True)
class RegionName:
    """What is kept of a region whose geometry was not checked.

    Attributes
    ----------
    class_name : str
    geometry : str
        Always "".
    """

    class_name: str
    geometry: str = ""


_named = cache(RegionName)


@dataclass(frozen=True)
class StoredFrames:
    """Frames in files of `frame_file.write_frame`.

    Attributes
    ----------
    paths : sequence of Path
        The files.
    facts : sequence of mapping
        Metadata of each frame as of `frame_file.read_frame_metadata`; of regions without a
        statement about their geometry only a `RegionName`.
    """

    paths: Sequence[Path]
    facts: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, paths: Sequence[Path]) -> StoredFrames:
        """Read the metadata of all frames.

        Parameters
        ----------
        paths : sequence of Path

        Returns
        -------
        StoredFrames

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        facts: list[dict[str, Any]] = []
        for path in paths:
            facts.append(_reduced(read_frame_metadata(path), facts[0] if facts else {}))
        return cls(paths, facts)

    def regions(self) -> Iterator[Region]:
        """Yield the regions of all frames.

        Yields
        ------
        Region

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        for path, fact in zip(self.paths, self.facts, strict=True):
            if fact["regions"]:
                yield from read_frame_metadata(path)["regions"]

    def masks(self) -> Iterator[MaskStack]:
        """Yield the masks of each frame.

        Yields
        ------
        MaskStack

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        yield from map(read_frame_masks, self.paths, self.facts)

    def maps(self) -> Iterator[ProbabilityMap]:
        """Yield the probability map of each frame, all on the grid of the frame with most windows.

        Each frame has windows of its own where it is searched at its own scale, and a single one
        where it shows no lattice.

        Yields
        ------
        ProbabilityMap

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        classes = self.facts[0]["class_data"]
        y, x = max(map(read_frame_grid, self.paths), key=lambda grid: len(grid[0]) * len(grid[1]))
        for path in self.paths:
            yield _on_grid(read_frame_map(path, classes), y, x)


def _on_grid(
    found: ProbabilityMap, y: NDArray[np.float32], x: NDArray[np.float32]
) -> ProbabilityMap:
    """Return a map on other window centres: each takes what the nearest window has."""
    if np.array_equal(found.y, y) and np.array_equal(found.x, x):
        return found
    rows, columns = _nearest(found.y, y)[:, None], _nearest(found.x, x)
    probability = found.probability[:, rows, columns]
    return replace(found, probability=probability, y=y, x=x, valid=found.valid[rows, columns])


def _nearest(centres: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the index of the nearest of ascending centres for each wanted one."""
    return np.searchsorted((centres[1:] + centres[:-1]) / 2, wanted)


def _reduced(metadata: dict[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a frame what differs from the first one; the rest is shared with it."""
    regions = [
        region if region.geometry else _named(region.class_name) for region in metadata["regions"]
    ]
    reduced: dict[str, Any] = _shared({**metadata, "regions": ()}, first)
    return {**reduced, "regions": regions}


def _shared(value: Any, known: Any) -> Any:
    """Return the value with all parts that equal those of a known one replaced by the latter."""
    if value == known and type(value) is type(known):
        return known
    if isinstance(value, dict) and isinstance(known, dict):
        return {name: _shared(each, known.get(name)) for name, each in value.items()}
    return value
