"""A random forest (Breiman, Machine Learning 45, 5, 2001) on binned features, with numpy alone.

Trees of unlimited depth, Gini impurity, bootstrapped samples, the square root of the number of
features tried at every split, classes weighted equally: the usual settings of pixel classifiers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS = 32
_DEEPEST = 24


@dataclass(frozen=True)
class _Tree:
    """Nodes: feature (-1 in a leaf), highest bin that goes left, left child, value."""

    feature: NDArray[np.int32]
    limit: NDArray[np.uint8]
    left: NDArray[np.int32]
    value: NDArray[np.float32]


@dataclass(frozen=True)
class Forest:
    """Trained trees and the edges of the bins (f, BINS - 1) of every feature."""

    trees: tuple[_Tree, ...]
    edges: Array

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of the positive class for samples (n, f)."""
        binned = _binned(features, self.edges)
        total = np.zeros(len(binned), np.float32)
        for tree in self.trees:
            total += _leaf_values(tree, binned)
        return total / len(self.trees)


def train_forest(
    features: NDArray[np.float32], positive: NDArray[np.bool_], trees: int, seed: int
) -> Forest:
    """Train trees on samples (n, f), some of them positive."""
    quantiles = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.quantile(features.astype(np.float64), quantiles, axis=0).T
    binned = _binned(features, edges)
    rng = np.random.default_rng(seed)
    share = max(positive.mean(), 1e-9), max(1 - positive.mean(), 1e-9)
    weight = np.where(positive, 0.5 / share[0], 0.5 / share[1])
    return Forest(tuple(_grow(binned, positive, weight, rng) for _ in range(trees)), edges)


def _binned(features: NDArray[np.float32], edges: Array) -> NDArray[np.uint8]:
    columns = [
        np.searchsorted(edge, column) for edge, column in zip(edges, features.T, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.uint8)


def _grow(
    binned: NDArray[np.uint8],
    positive: NDArray[np.bool_],
    weight: Array,
    rng: np.random.Generator,
) -> _Tree:
    count, features = binned.shape
    tried = max(1, int(np.sqrt(features)))
    drawn = rng.integers(0, count, count)
    nodes: list[tuple[int, int, int, float]] = [(-1, 0, -1, 0.0)]
    waiting = [(0, drawn, 0)]
    while waiting:
        number, samples, depth = waiting.pop()
        wanted = weight[samples] * positive[samples]
        value = wanted.sum() / weight[samples].sum()
        split = None
        if 0 < value < 1 and depth < _DEEPEST:
            chosen = rng.choice(features, tried, replace=False)
            split = _best_split(binned, samples, chosen, wanted, weight[samples])
        if split is None:
            nodes[number] = (-1, 0, -1, float(value))
            continue
        feature, limit = split
        goes_left = binned[samples, feature] <= limit
        left = len(nodes)
        nodes[number] = (feature, limit, left, float(value))
        nodes += [(-1, 0, -1, 0.0)] * 2
        waiting += [
            (left, samples[goes_left], depth + 1),
            (left + 1, samples[~goes_left], depth + 1),
        ]
    feature, limit, left, value = zip(*nodes, strict=True)
    return _Tree(
        np.array(feature, np.int32),
        np.array(limit, np.uint8),
        np.array(left, np.int32),
        np.array(value, np.float32),
    )


def _best_split(
    binned: NDArray[np.uint8],
    samples: NDArray[np.intp],
    chosen: NDArray[np.intp],
    wanted: Array,
    weight: Array,
) -> tuple[int, int] | None:
    """Return the feature and the bin of the lowest Gini impurity, or nothing if none separates."""
    offset = np.arange(len(chosen)) * BINS
    index = (binned[samples][:, chosen] + offset).ravel()
    shape = (len(chosen), BINS)
    repeat = len(chosen)
    hits, total = (
        np.bincount(index, np.repeat(each, repeat), len(chosen) * BINS).reshape(shape).cumsum(1)
        for each in (wanted, weight)
    )
    left, right = total[:, :-1], total[:, -1:] - total[:, :-1]
    hits_left, hits_right = hits[:, :-1], hits[:, -1:] - hits[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        purity = (hits_left**2 + (left - hits_left) ** 2) / left
        purity += (hits_right**2 + (right - hits_right) ** 2) / right
    purity[(left <= 1e-9) | (right <= 1e-9)] = -np.inf
    best = int(purity.argmax())
    if not np.isfinite(purity.flat[best]):
        return None
    row, limit = np.unravel_index(best, purity.shape)
    return int(chosen[row]), int(limit)


def _leaf_values(tree: _Tree, binned: NDArray[np.uint8]) -> NDArray[np.float32]:
    node = np.zeros(len(binned), np.int32)
    active = np.arange(len(binned))
    while len(active):
        here = node[active]
        feature = tree.feature[here]
        inner = feature >= 0
        active, here, feature = active[inner], here[inner], feature[inner]
        right = binned[active, feature] > tree.limit[here]
        node[active] = tree.left[here] + right
    return tree.value[node]
