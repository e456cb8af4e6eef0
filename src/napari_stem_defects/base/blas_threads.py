"""Matrix products of numpy and scipy with one thread.

A search multiplies thousands of small matrices. By default OpenBLAS divides each product between
one thread per core, which wait for each other in loops: where another program or another frame
uses the cores as well, a survey of 2048x2048 px takes up to four times as long as with one thread,
and the longest products gain hardly anything where it does not. numpy and scipy offer no setting;
the function is called in the library itself. Where it is not found, as with other libraries,
nothing changes.
"""

from __future__ import annotations

import ctypes
import threading
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


class _Limit:
    """Holds the limit as long as anything of this process needs it, in whichever thread."""

    def __init__(self) -> None:
        self._lock, self._inside, self._before = threading.Lock(), 0, ExitStack()

    def begin(self) -> None:
        with self._lock:
            if self._inside == 0:
                for library in _libraries():
                    self._before.callback(library.set, library.get())
                    library.set(1)
            self._inside += 1

    def end(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._before.close()


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let each matrix product of this process use one thread.

    Also a decorator. Threads may overlap.

    Yields
    ------
    None
        After the last one, the numbers of before hold again.
    """
    _LIMIT.begin()
    try:
        yield
    finally:
        _LIMIT.end()


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
