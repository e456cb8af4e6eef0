"""Simple methods to hold the networks against, on the same patches and splits.

Each takes the sites it may learn from and those it is tested on, and returns probabilities
(n, classes) of the latter. They see every training patch in the same eight ways as the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit

from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.sampling import augmented_samples, plain_samples

if TYPE_CHECKING:
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.sampling import Samples

Array = NDArray[np.float64]
Baseline = Callable[["TrainingSet", "TrainingSet"], NDArray[np.float32]]

FFT = PreprocessingSettings.paper()
VIEWS = 8
# Ridge of the logistic regression and of the support vector machine, in units of one window.
LOGISTIC_RIDGE, KERNEL_RIDGE = 1.0, 0.1
RINGS, SECTORS = 24, 24
# Of the components of Bulk that an anomaly is measured against, and its share of false alarms.
COMPONENTS, BULK_REFUSED = 24, 0.02


def logistic_fft(learned: TrainingSet, test: TrainingSet) -> NDArray[np.float32]:
    """Logistic regression on the abstract's FFT patch, one class against the others."""
    given, shown = _spectra(learned, test)
    samples, tested = standardised(_flat(given), _flat(shown))
    columns = [logistic(samples, column) for column in given.targets.T]
    logits = np.column_stack([tested @ weights[:-1] + weights[-1] for weights in columns])
    return expit(logits).astype(np.float32)


def kernel_rings(learned: TrainingSet, test: TrainingSet) -> NDArray[np.float32]:
    """Least-squares support vector machine (RBF kernel) on rings and sectors of the spectrum."""
    given, shown = _spectra(learned, test)
    samples, tested = standardised(_rings_and_sectors(given), _rings_and_sectors(shown))
    width = float(np.median(_squares(samples[:400], samples[:400])))
    kernel = np.exp(-_squares(samples, samples) / width)
    factor = cho_factor(kernel + KERNEL_RIDGE * np.eye(len(kernel)))
    signs = 2 * given.targets.astype(np.float64) - 1
    margins = np.exp(-_squares(tested, samples) / width) @ cho_solve(factor, signs)
    return expit(4 * margins).astype(np.float32)


def anomaly_bulk(learned: TrainingSet, test: TrainingSet) -> NDArray[np.float32]:
    """Distance from the principal components of Bulk spectra (a linear autoencoder): not Bulk."""
    given, shown = _spectra(learned, test)
    bulk_column = learned.classes.index("Bulk")
    samples, tested = _flat(given), _flat(shown)
    bulk = samples[given.targets[:, bulk_column] == 1]
    mean = bulk.mean(0)
    parts = np.linalg.svd(bulk - mean, full_matrices=False)[2][:COMPONENTS]
    near, far = (_left_over(each - mean, parts) for each in (bulk, tested))
    limit = float(np.quantile(near, 1 - BULK_REFUSED))
    probabilities = np.zeros((len(tested), len(learned.classes)), np.float32)
    probabilities[:, bulk_column] = limit / (limit + far)
    return probabilities


BASELINES: dict[str, Baseline] = {
    "logistic-fft": logistic_fft,
    "kernel-rings": kernel_rings,
    "anomaly-bulk": anomaly_bulk,
}


def _spectra(learned: TrainingSet, test: TrainingSet) -> tuple[Samples, Samples]:
    return augmented_samples(learned, FFT, None, views=VIEWS, seed=0), plain_samples(test, FFT)


def _flat(samples: Samples) -> Array:
    return samples.features["fft"].reshape(len(samples), -1).astype(np.float64)


def standardised(samples: Array, tested: Array) -> tuple[Array, Array]:
    """Return both with mean 0 and deviation 1 of every column of the first."""
    mean, spread = samples.mean(0), samples.std(0) + 1e-9
    return (samples - mean) / spread, (tested - mean) / spread


def logistic(samples: Array, target: NDArray[np.float32]) -> Array:
    """Return weights, the last the constant, of the balanced and regularised regression."""
    there = target > 0.5
    weight = np.where(there, 0.5 / there.mean(), 0.5 / (1 - there.mean()))

    def loss(weights: Array) -> tuple[float, Array]:
        z = samples @ weights[:-1] + weights[-1]
        wrong = weight * (expit(z) - there)
        ridge = LOGISTIC_RIDGE * weights[:-1]
        value = np.sum(weight * (np.logaddexp(0, z) - there * z)) + ridge @ weights[:-1] / 2
        return float(value), np.append(samples.T @ wrong + ridge, wrong.sum())

    found: Array = minimize(
        loss, np.zeros(samples.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}
    ).x
    return found


def _rings_and_sectors(samples: Samples) -> Array:
    """Return mean log magnitude over rings of frequency and over sectors of direction."""
    spectrum = samples.features["fft"][:, 0].astype(np.float64)
    rows, columns = spectrum.shape[1:]
    y, x = np.mgrid[-(rows // 2) : rows - rows // 2, 0:columns]
    radius, angle = np.hypot(y, x), np.arctan2(y, x + 1e-9) + np.pi / 2
    # The corners of the spectrum, beyond the last ring, are left out.
    ring = np.minimum(radius * RINGS / columns, RINGS).astype(np.int64)
    sector = np.minimum(angle * SECTORS / np.pi, SECTORS - 1).astype(np.int64)
    flat = spectrum.reshape(len(spectrum), -1)
    means = [
        flat[:, (number == index).ravel()].mean(1)
        for number, count in ((ring, RINGS), (sector, SECTORS))
        for index in range(count)
    ]
    return np.column_stack(means)


def _squares(first: Array, second: Array) -> Array:
    inner = first @ second.T
    squares: Array = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * inner
    return np.maximum(squares, 0)


def _left_over(centred: Array, parts: Array) -> Array:
    """Return the length of what the components do not explain."""
    lengths: Array = np.linalg.norm(centred - centred @ parts.T @ parts, axis=1)
    return lengths
