"""Computing devices: their description and their measured matrix-product rate."""

from __future__ import annotations

import time

import torch

_SIZE = 2048
_LEAST_SECONDS = 0.5


PRODUCT_OPERATIONS = 2 * _SIZE**3
"""Operations of the matrix product whose time is the unit G."""


def matrix_rate(device: str = "cpu", precision: str = "float32") -> float:
    """Return the rate of matrix products in 1e9 operations per second.

    A product of two n x n matrices counts 2 n^3 operations. The figure is the general speed of
    a machine, so that speeds measured on different machines can be compared.

    Parameters
    ----------
    device : str
        A torch device name.
    precision : {"float32", "bfloat16"}

    Returns
    -------
    float
    """
    a = torch.rand(_SIZE, _SIZE, device=device).to(getattr(torch, precision))
    float((a @ a)[0, 0])  # the first product includes the loading of libraries
    products, started = 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < _LEAST_SECONDS:
        float((a @ a)[0, 0])  # reading one number waits for the device
        products += 1
    return products * PRODUCT_OPERATIONS / seconds / 1e9


def describe(device: str) -> str:
    """Describe a device: its name, the number of threads of a CPU, and the version of torch.

    Parameters
    ----------
    device : str
        A torch device name.

    Returns
    -------
    str
    """
    name = torch.cuda.get_device_name() if device == "cuda" else device
    threads = f", {torch.get_num_threads()} threads" if device == "cpu" else ""
    return f"{name}{threads}, torch {torch.__version__}"
