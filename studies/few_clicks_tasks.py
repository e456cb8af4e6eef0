"""Tasks of the benchmark with few clicks: images, ground truth, and clicks by script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["point", "line", "area"]
Group = Literal["public", "design", "report"]

# How far a human clicks from the place that is meant, in periods.
POINT_JITTER, LINE_JITTER = 0.12, 0.25
# Clicks on lines lie within this part of the line; what is within UNCLICKED_FROM periods of that
# part is not scored.
CLICKED_PART, UNCLICKED_FROM = 0.5, 1.0
# Fewer point defects than these left without a click make no score.
LEAST_LEFT = 2
CLICKS = (7, 3, 15, 1)
BULK_CLICKS = 5
# Bulk clicks and perfect places keep this distance from all defects, in periods.
PERFECT_FROM = 2.5


class Click(NamedTuple):
    """One click: y and x in px, and the class."""

    y: float
    x: float
    class_name: str


@dataclass(frozen=True)
class Labelled:
    """A micrograph with the places of all its defects.

    Points are (N, 2), lines are dense polylines (N, 2), both y, x in px; areas are masks of single
    defects. ``part`` is the part (top, left, bottom, right) in which all defects are labelled.
    """

    micrograph: Micrograph
    period_px: float
    points: dict[str, Array] = field(default_factory=dict)
    lines: dict[str, tuple[Array, ...]] = field(default_factory=dict)
    areas: dict[str, tuple[Mask, ...]] = field(default_factory=dict)
    part: tuple[float, float, float, float] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.micrograph.frame_shape

    def distance(self, class_name: str | None = None) -> NDArray[np.float64]:
        """Return the distance of every pixel to the nearest defect of one or of all classes."""
        names = {*self.points, *self.lines, *self.areas} if class_name is None else {class_name}
        hit = np.zeros(self.shape, bool)
        for name in names:
            for places in (*self.lines.get(name, ()), self.points.get(name, np.zeros((0, 2)))):
                hit |= painted(places, self.shape)
            for area in self.areas.get(name, ()):
                hit |= area
        return distance_to(hit)

    def labelled_part(self) -> Mask:
        """Return where all defects are labelled."""
        inside = np.ones(self.shape, bool)
        if self.part is not None:
            y, x = np.indices(self.shape)
            top, left, bottom, right = self.part
            inside = (y >= top) & (x >= left) & (y <= bottom) & (x <= right)
        return inside


@dataclass(frozen=True)
class Task:
    """One class to learn in one image and to find in the same or another.

    With ``single`` there is one defect alone: all clicks are on it, and it is to be found again.
    """

    name: str
    title: str
    group: Group
    kind: Kind
    class_name: str
    load: Callable[[Path], tuple[Labelled, Labelled]]
    family: str = ""
    dose: str = ""
    tolerance: float = 0.4
    clicks: tuple[int, ...] = CLICKS
    single: bool = False


class Draw(NamedTuple):
    """The clicks of one draw, and what is left to find in the target."""

    clicks: tuple[Click, ...]
    bulk: tuple[Click, ...]
    clicked_points: Array
    left_points: Array
    left_mask: Mask


def painted(places: Array, shape: tuple[int, int]) -> Mask:
    """Return a mask of single pixels at places."""
    mask = np.zeros(shape, bool)
    whole = np.rint(places).astype(np.intp)
    whole = whole[np.all((whole >= 0) & (whole < shape), axis=1)]
    mask[whole[:, 0], whole[:, 1]] = True
    return mask


def distance_to(mask: Mask) -> NDArray[np.float64]:
    """Return the distance of every pixel to a mask, infinite if it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~mask)
    return distance


def draw_clicks(task: Task, taught: Labelled, target: Labelled, k: int, draw: int) -> Draw | None:
    """Draw k clicks as a human would make them, or nothing if too little would be left."""
    rng = np.random.default_rng([k, draw, *task.name.encode()])
    same = taught is target
    if task.kind == "point":
        drawn = _point_clicks(task, taught, target, k, rng, same=same)
    elif task.kind == "line":
        drawn = _line_clicks(task, taught, target, k, rng, same=same)
    else:
        drawn = _area_clicks(task, taught, target, k, rng, same=same)
    if drawn is None:
        return None
    bulk = _bulk_clicks(taught, max(k, BULK_CLICKS), rng)
    return drawn._replace(bulk=bulk)


def _as_clicks(places: Array, task: Task, shape: tuple[int, int]) -> tuple[Click, ...]:
    inside = np.clip(places, 0, np.array(shape) - 1.0)
    return tuple(Click(float(y), float(x), task.class_name) for y, x in inside)


def _point_clicks(
    task: Task, taught: Labelled, target: Labelled, k: int, rng: np.random.Generator, *, same: bool
) -> Draw | None:
    places = taught.points[task.class_name]
    if task.single:
        jitter = rng.normal(0, POINT_JITTER * taught.period_px, (k, 2))
        clicks = _as_clicks(places[:1] + jitter, task, taught.shape)
        return Draw(clicks, (), np.zeros((0, 2)), places, painted(places, target.shape))
    if k > len(places) - (LEAST_LEFT if same else 0):
        return None
    order = rng.permutation(len(places))
    clicked, rest = places[order[:k]], places[order[k:]]
    jitter = rng.normal(0, POINT_JITTER * taught.period_px, clicked.shape)
    left = rest if same else target.points[task.class_name]
    return Draw(
        _as_clicks(clicked + jitter, task, taught.shape),
        (),
        clicked if same else np.zeros((0, 2)),
        left,
        painted(left, target.shape),
    )


def _line_clicks(
    task: Task, taught: Labelled, target: Labelled, k: int, rng: np.random.Generator, *, same: bool
) -> Draw:
    """Click one half of the first line; which half, the draw decides."""
    first, *others = taught.lines[task.class_name]
    count = int(len(first) * CLICKED_PART)
    clicked, rest = (
        (first[:count], first[count:])
        if rng.random() < 0.5
        else (
            first[-count:],
            first[:-count],
        )
    )
    index = rng.integers(0, len(clicked), k)
    ends = clicked[np.minimum(index + 3, len(clicked) - 1)] - clicked[np.maximum(index - 3, 0)]
    normal = np.stack([-ends[:, 1], ends[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-9)[:, None]
    across = rng.uniform(-LINE_JITTER, LINE_JITTER, k) * taught.period_px
    places = clicked[index] + across[:, None] * normal
    lines = (rest, *others) if same else target.lines[task.class_name]
    left = np.zeros(target.shape, bool)
    for line in lines:
        left |= painted(line, target.shape)
    if same:
        left &= distance_to(painted(clicked, target.shape)) > UNCLICKED_FROM * taught.period_px
    none = np.zeros((0, 2))
    return Draw(_as_clicks(places, task, taught.shape), (), none, none, left)


def _area_clicks(
    task: Task, taught: Labelled, target: Labelled, k: int, rng: np.random.Generator, *, same: bool
) -> Draw:
    """Click inside one of the areas; the others are left to find."""
    areas = taught.areas[task.class_name]
    chosen = int(rng.integers(len(areas)))
    inner = np.argwhere(ndimage.binary_erosion(areas[chosen], iterations=2))
    places = inner[rng.integers(0, len(inner), k)].astype(np.float64)
    rest = (
        [area for n, area in enumerate(areas) if n != chosen]
        if same
        else (target.areas[task.class_name])
    )
    left = np.zeros(target.shape, bool)
    for area in rest:
        left |= area
    none = np.zeros((0, 2))
    return Draw(_as_clicks(places, task, taught.shape), (), none, none, left)


def _bulk_clicks(taught: Labelled, k: int, rng: np.random.Generator) -> tuple[Click, ...]:
    return tuple(Click(float(y), float(x), "Bulk") for y, x in perfect_places(taught, k, rng))


def perfect_places(image: Labelled, count: int, rng: np.random.Generator) -> Array:
    """Draw places of perfect crystal, away from all defects and from the border."""
    free = (image.distance() > PERFECT_FROM * image.period_px) & image.labelled_part()
    rim = int(np.ceil(image.period_px))
    free[:rim] = free[-rim:] = False
    free[:, :rim] = free[:, -rim:] = False
    places = np.argwhere(free)
    return places[rng.integers(0, len(places), count)].astype(np.float64)
