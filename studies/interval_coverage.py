"""How often the intervals of rates and ratios contain the true value, on simulated searches.

Each scene has a true density, drawn evenly on a logarithmic scale, and a detector whose precision
and recall are only known from a test with 150 defects. Written to
``studies/runs/interval_coverage.json``::

    python studies/interval_coverage.py
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_stem_defects.statistics.comparison import compare
from napari_stem_defects.statistics.rates import Accuracy, Estimate, Observed, rate

SCENES, TESTED = 1000, 150
TARGET = Path(__file__).parent / "runs" / "interval_coverage.json"
Scene = Callable[[np.random.Generator], tuple[Estimate, float]]


def _density(generator: np.random.Generator, low: float, high: float) -> float:
    return math.exp(generator.uniform(math.log(low), math.log(high)))


def _ones(count: int) -> Observed:
    return Observed((1.0,) * count, 1.0)


def _measured(generator: np.random.Generator, precision: float, recall: float) -> Accuracy:
    found = int(generator.binomial(TESTED, recall))
    false = int(generator.poisson(TESTED * recall * (1 - precision) / precision))
    return Accuracy(found, false, TESTED - found)


def counts(generator: np.random.Generator) -> tuple[Estimate, float]:
    """Return the interval of a number without correction, and the true number."""
    truth = _density(generator, 1, 100)
    return rate([_ones(int(generator.poisson(truth)))]), truth


def corrected(generator: np.random.Generator) -> tuple[Estimate, float]:
    """Return the interval of a number corrected for precision and recall, and the true number."""
    truth = _density(generator, 1, 100)
    precision, recall = generator.uniform(0.7, 0.99), generator.uniform(0.6, 0.99)
    reported = int(generator.poisson(truth * recall / precision))
    return rate([_ones(reported)], _measured(generator, precision, recall)), truth


def _lengths(
    generator: np.random.Generator, few: float, many: float, draw: Callable[[int], object]
) -> tuple[Estimate, float]:
    number = _density(generator, few, many)
    lengths = tuple(np.asarray(draw(int(generator.poisson(number)))).tolist())
    return rate([Observed(lengths, 1.0, 1.0, None)]), 5 * number


def even_lengths(generator: np.random.Generator) -> tuple[Estimate, float]:
    """Return the interval of a length per area of lines of 1 to 9 nm, and the true value."""
    return _lengths(generator, 1, 100, lambda count: generator.uniform(1, 9, count))


def exponential_lengths(generator: np.random.Generator) -> tuple[Estimate, float]:
    """Return the interval of a length per area of lines of very unequal length."""
    return _lengths(generator, 1, 100, lambda count: generator.exponential(5, count))


def ratios(generator: np.random.Generator) -> tuple[Estimate, float]:
    """Return the interval of the ratio of two densities, and the true ratio."""
    first, second = (_density(generator, 3, 100) for _ in range(2))
    counted = [[_ones(int(generator.poisson(each)))] for each in (first, second)]
    return compare(*counted).ratio, first / second


KINDS: dict[str, Scene] = {
    "numbers": counts,
    "numbers, corrected for precision and recall": corrected,
    "lengths, evenly distributed": even_lengths,
    "lengths, exponentially distributed": exponential_lengths,
    "ratio of two numbers": ratios,
}


def coverage(scene: Scene, scenes: int = SCENES) -> float:
    """Return the share of scenes in which the interval contains the true value."""
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(scenes):
        estimate, truth = scene(generator)
        high = math.inf if estimate.high is None else estimate.high
        hits += (estimate.low or 0.0) <= truth <= high
    return hits / scenes


def main() -> None:
    """Measure all kinds and write the shares."""
    found = {name: coverage(scene) for name, scene in KINDS.items()}
    content = {"scenes": SCENES, "level": 0.95, "covered": found}
    TARGET.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
