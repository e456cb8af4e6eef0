"""Threads that sleep while they wait, instead of running in a loop.

torch divides each layer between threads that wait for each other at its end. By default they wait
in loops: on a computer that also does something else, as showing images, they take the cores from
the very threads that they wait for. A search then takes up to ten times as long as with sleeping
threads. These wake up too late for short layers, so a search gives each thread a part of the image
of its own (`inference.side_by_side`).

The threads of OpenBLAS, with which numpy multiplies and solves, wait in loops as well. Products are
short, so that they have one thread each; see `base.blas_threads`.
"""

from __future__ import annotations

import os


def sleep_while_waiting() -> None:
    """Let threads of OpenMP sleep while they wait and OpenBLAS use one, unless the user has chosen.

    For programs of this package, not for those of others that import it: it sets the environment
    variables ``OMP_WAIT_POLICY``, which the library reads when torch is loaded, and
    ``OPENBLAS_NUM_THREADS``, read when numpy is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
