"""Number of threads of the libraries behind matrix products of numpy and scipy.

Frames that are searched side by side use all cores already. OpenBLAS does not know that: its own
threads, one per core for each product, wait for each other in loops, which doubles the processor
time of a frame. numpy and scipy offer no setting; the function is called in the library itself.
Where it is not found, as with other libraries, nothing changes.
"""

from __future__ import annotations

import ctypes
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SUFFIXES = ("", "64_")
_PREFIXES = ("scipy_openblas", "openblas")
_FOLDERS = ("../{}.libs", ".dylibs")


class _Library(NamedTuple):
    """The functions of a loaded library that set and return its number of threads."""

    set: Callable[[int], object]
    get: Callable[[], int]


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let matrix products of this process use so many threads.

    Parameters
    ----------
    count : int

    Yields
    ------
    None
        Afterwards the numbers of before hold again.
    """
    with ExitStack() as stack:
        for library in _libraries():
            stack.callback(library.set, library.get())
            library.set(count)
        yield


@cache
def _libraries() -> tuple[_Library, ...]:
    """Return the copies of OpenBLAS that numpy and scipy bring along and have loaded."""
    found = []
    for package in ("numpy", "scipy"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        home = Path(spec.origin).parent
        for folder in _FOLDERS:
            for path in sorted((home / folder.format(package)).glob("*openblas*")):
                with suppress(OSError):
                    found.append(_functions(ctypes.CDLL(str(path))))
    return tuple(library for library in found if library is not None)


def _functions(library: ctypes.CDLL) -> _Library | None:
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            names = (f"{prefix}_{verb}_num_threads{suffix}" for verb in ("set", "get"))
            with suppress(AttributeError):
                return _Library(*(getattr(library, name) for name in names))
    return None
