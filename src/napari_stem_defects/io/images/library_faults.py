"""Errors and warnings of the libraries that read files, as one line for the user.

For damaged files the loaders raise more than twenty kinds of exceptions of their libraries; each
of them becomes a `ReadError` with a message of one line.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from typing import TYPE_CHECKING, TypeVar

from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.convert import NotAnImage
from napari_stem_defects.io.images.formats import EXPORT_AGAIN
from napari_stem_defects.io.images.missing_package import missing_package
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

_logger = logging.getLogger(__name__)

# What HDF5 writes about data packed by a filter that is not installed.
_PACKED = ("required filter", "can't open directory", "can't open plugin")


def in_one_line(path: Path, load: Callable[[list[str]], T]) -> T:
    """Run a loader with the warnings of its libraries; turn its errors into one line.

    Parameters
    ----------
    path : Path
        The file, for the message.
    load : callable
        Takes the list in which the warnings of the libraries are collected.

    Returns
    -------
    object
        What ``load`` returns.

    Raises
    ------
    ReadError
        The file cannot be read.
    InputError
        ``load`` raised it.
    """
    with collected_messages() as messages:
        try:
            return load(messages)
        except InputError:
            raise
        except Exception as error:
            _logger.debug("reading %s failed", path, exc_info=True)
            line = _describe(path, error)
    # Raised here, the exception carries no traceback of the loader, which would keep its file
    # open and, on Windows, locked.
    raise ReadError(line)


def _describe(path: Path, error: Exception) -> str:
    if isinstance(error, NotAnImage):
        fault, _, advice = str(error).partition("; ")
        return one_line(path, fault, advice)
    if isinstance(error, PermissionError):
        return one_line(path, "may not be read", "change its permissions or copy it elsewhere")
    if isinstance(error, MemoryError):
        return one_line(path, "does not fit into memory", "cut it into smaller images")
    if isinstance(error, ModuleNotFoundError):
        return missing_package(path, error)
    is_packed = any(sign in str(error) for sign in _PACKED)
    if is_packed and importlib.util.find_spec("hdf5plugin") is None:
        fault = "is packed by a filter that needs the package hdf5plugin"
        return one_line(path, fault, "pip install '.[formats]' from a clone")
    reason = str(error).replace(str(path), path.name) or type(error).__name__
    return one_line(path, f"cannot be read, it may be damaged ({reason})", EXPORT_AGAIN)


class _Messages(logging.Handler):
    """Collect the warnings of a library instead of printing them."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@contextlib.contextmanager
def collected_messages() -> Iterator[list[str]]:
    """Collect what the reading libraries would print, warnings and errors, in the returned list."""
    lines: list[str] = []
    handler = _Messages(lines)
    loggers = [logging.getLogger(name) for name in ("tifffile", "rsciio")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
