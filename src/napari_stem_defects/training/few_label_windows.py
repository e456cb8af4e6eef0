"""Windows for networks that learn from few labels.

Few clicks alone would teach a network only what surrounds them. A quick model made from the same
clicks states, for every place of the labelled images, which class is there and where it is unsure.
Places of which it is sure are labels as well; clicks hold before it (self-training with a matched
filter as the teacher; Yarowsky, ACL 1995).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.class_maps import ClassMaps, class_maps
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.training.quick_images import PreparedImage

_PRESENT, _ABSENT = 0.5, 0.3
"""Probabilities of the quick model from which a class is taken for present, and up to which for
absent."""
_REACH = {"point": (0.35, 0.6), "line": (0.75, 1.4), "area": (0.35, 0.7), "bulk": (0.35, 0.35)}
"""Distances from where a class is, in lattice periods, up to which it is present and from which it
is absent, by its kind: those with which the encoder was trained, but for points. Of these the next
may be a period away, and networks that never see what lies between merge the two."""
_NOISE, _NOISE_PX, _GAIN = 0.6, 0.7, 0.1
"""Largest standard deviation of the noise added to a window, in spreads of the residual, its
smoothing in samples, and the standard deviation of the relative gain: other images of the material
have other doses."""


@dataclass(frozen=True)
class LabelledPlaces:
    """Places of one image with their targets.

    Attributes
    ----------
    padded : ndarray of float32, shape (Y + P + 1, X + P + 1)
        Lattice residual with bright columns and a margin for windows of P samples.
    y, x : ndarray of int64, shape (n,)
        Positions in samples.
    targets : ndarray of float32, shape (n, C)
        1 present, 0 absent, NaN unknown.
    clicked : ndarray of bool, shape (n,)
        Places that a click labels.
    """

    padded: NDArray[np.float32]
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    targets: NDArray[np.float32]
    clicked: NDArray[np.bool_]

    def part(self, keep: NDArray[np.bool_]) -> LabelledPlaces:
        """Return some of the places; ``keep`` is a mask of shape (n,)."""
        chosen = {name: getattr(self, name)[keep] for name in ("y", "x", "targets", "clicked")}
        return replace(self, **chosen)


def labelled_places(
    ready: PreparedImage,
    clicks: Sequence[Click],
    model: MatchedFilterModel,
    patch_px: int,
) -> LabelledPlaces:
    """Label every place of an image by its clicks and a quick model.

    Parameters
    ----------
    ready : PreparedImage
    clicks : sequence of Click
        The clicks in this image.
    model : MatchedFilterModel
        Made from all clicks.
    patch_px : int
        Edge P of a window in samples.

    Returns
    -------
    LabelledPlaces
        On a grid of about a third of a lattice period, classes in the order Bulk, then those of
        the model.
    """
    maps = class_maps(ready.residual, adapted_to(ready.residual, model), ready.limits)
    targets, clicked = _targets(maps, model, clicks)
    height, width = ready.values.shape
    rows, columns = (
        np.clip(np.rint(at).astype(np.int64), 0, length - 1)
        for at, length in ((maps.y, height), (maps.x, width))
    )
    sign = np.float32(ready.sign)
    before, after = patch_px // 2, patch_px // 2 + 1
    return LabelledPlaces(
        padded=np.pad(sign * ready.values, (before, after)),
        y=np.repeat(rows, len(columns)),
        x=np.tile(columns, len(rows)),
        targets=targets.reshape(len(targets), -1).T,
        clicked=clicked.ravel(),
    )


def _targets(
    maps: ClassMaps, model: MatchedFilterModel, clicks: Sequence[Click]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the targets (C, gy, gx) of the cells of a map, and which cells a click labels."""
    kinds = ["bulk", *(item.kind for item in model.classes)]
    cells = model.samples / float(maps.y[1] - maps.y[0])
    targets = np.full(maps.probability.shape, np.nan, np.float32)
    clicked = np.zeros(maps.probability.shape[1:], bool)
    for number, (name, kind) in enumerate(zip(maps.classes, kinds, strict=True)):
        inner, outer = _REACH[kind]
        found = maps.probability[number]
        seeds = found >= _PRESENT
        if kind == "point":
            seeds &= found == ndimage.maximum_filter(found, 2 * round(outer * cells) + 1)
        elif kind == "line":  # masks of the quick model are of different widths
            # Continued beyond the border, or skeletons would end before it.
            border = ceil(2 * cells)
            inside = np.s_[border:-border, border:-border]
            seeds = skeletonize(np.pad(seeds, border, mode="edge"))[inside]
        distance = ndimage.distance_transform_edt(~seeds) / cells if seeds.any() else np.inf
        targets[number][(found <= _ABSENT) & (distance > outer)] = 0
        targets[number][distance <= (inner if kind != "bulk" else 0)] = 1
        for click in clicks:
            apart = np.hypot(maps.y[:, None] - click.y, maps.x[None] - click.x) / model.samples
            if click.class_name == name:
                targets[number][apart <= inner] = 1
                clicked |= apart <= inner
            else:
                targets[number][apart <= _REACH[kinds[maps.classes.index(click.class_name)]][0]] = 0
    return targets, clicked


def draw_windows(
    images: Sequence[LabelledPlaces], count: int, patch_px: int, rng: np.random.Generator
) -> Samples:
    """Draw windows of all classes, of what is unusual, and of anything, in random views.

    Parameters
    ----------
    images : sequence of LabelledPlaces
    count : int
        Windows to draw for each class and each of the other two parts.
    patch_px : int
        Edge P of a window in samples.
    rng : numpy.random.Generator

    Returns
    -------
    Samples
        Windows (N, 1, P, P) under a random symmetry operation of a square, with random gain and
        noise.
    """
    number = np.concatenate([np.full(len(each.y), n) for n, each in enumerate(images)])
    y, x = (np.concatenate([getattr(each, axis) for each in images]) for axis in ("y", "x"))
    targets = np.concatenate([each.targets for each in images])
    clicked = np.concatenate([each.clicked for each in images])
    groups = [np.flatnonzero(targets[:, column] == 1) for column in range(targets.shape[1])]
    groups += [np.flatnonzero(targets[:, 0] == 0), np.flatnonzero(clicked), np.arange(len(y))]
    chosen = np.concatenate([rng.choice(group, count) for group in groups if len(group)])
    windows = np.empty((len(chosen), patch_px, patch_px), np.float32)
    for image, each in enumerate(images):
        mine = np.flatnonzero(number[chosen] == image)
        at = chosen[mine]
        views = sliding_window_view(each.padded, (patch_px + 1, patch_px + 1))
        windows[mine] = _random_views(views[y[at], x[at]], rng)
    return Samples({"residual": windows[:, None]}, targets[chosen])


def plain_windows(
    images: Sequence[LabelledPlaces], count: int, patch_px: int, rng: np.random.Generator
) -> Samples:
    """Draw windows anywhere in the images, as they are.

    Parameters
    ----------
    images : sequence of LabelledPlaces
    count : int
        Windows to draw from each image.
    patch_px : int
        Edge P of a window in samples.
    rng : numpy.random.Generator

    Returns
    -------
    Samples
        Windows (N, 1, P, P).
    """
    windows, targets = [], []
    for each in images:
        chosen = rng.integers(0, len(each.y), count)
        views = sliding_window_view(each.padded, (patch_px, patch_px))
        windows.append(views[each.y[chosen], each.x[chosen]])
        targets.append(each.targets[chosen])
    return Samples({"residual": np.concatenate(windows)[:, None]}, np.concatenate(targets))


def _random_views(windows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return windows (n, P, P) of windows (n, P + 1, P + 1), turned about their centre."""
    turns = rng.integers(0, 8, len(windows))
    views = np.empty((len(windows), windows.shape[1] - 1, windows.shape[2] - 1), np.float32)
    for turn in range(8):
        mine = turns == turn
        part = windows[mine]
        part = part[:, :, ::-1] if turn >= 4 else part
        views[mine] = np.rot90(part, turn % 4, axes=(1, 2))[:, :-1, :-1]
    white = rng.standard_normal(views.shape, np.float32)
    noise = np.asarray(ndimage.gaussian_filter(white, (0, _NOISE_PX, _NOISE_PX)), np.float32)
    strength = rng.uniform(0, _NOISE, (len(views), 1, 1)).astype(np.float32)
    gain = np.exp(rng.normal(0, _GAIN, (len(views), 1, 1))).astype(np.float32)
    noisy: NDArray[np.float32] = views + strength / max(float(noise.std()), 1e-6) * noise
    # The residual is in multiples of its spread, which the noise has raised.
    noisy *= gain / np.sqrt(1 + strength**2)
    return noisy
