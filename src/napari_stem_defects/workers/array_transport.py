"""Messages between processes whose large arrays are sent separately, in blocks.

A connection copies a whole message before it sends the first byte. For a large micrograph this
copy may not fit into memory. Arrays in the fields of dataclasses and in mappings therefore follow
their message in blocks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LARGE_BYTES = 2**22
_PIECE_BYTES = 2**22

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Follows:
    """Placeholder in a message for an array that follows it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def send(connection: Connection[Any, Any], message: Any) -> None:
    """Send a message; only one thread may send at a time.

    Parameters
    ----------
    connection : Connection
    message : object
        JSON-safe values, paths, arrays, and dataclasses of them.
    """
    arrays: list[Array] = []
    connection.send(_lightened(message, arrays))
    for array in arrays:
        octets = array.reshape(-1).view(np.uint8)
        for start in range(0, octets.size, _PIECE_BYTES):
            connection.send_bytes(octets[start : start + _PIECE_BYTES].data)


def receive(connection: Connection[Any, Any]) -> Any:
    """Receive a message of `send`.

    Parameters
    ----------
    connection : Connection

    Returns
    -------
    object
        The message with its arrays.

    Raises
    ------
    EOFError, OSError
        The other process has ended.
    """
    return _completed(connection.recv(), connection)


def _lightened(value: Any, arrays: list[Array]) -> Any:
    """Return a value with placeholders for its large arrays, which are added to ``arrays``."""
    if isinstance(value, np.ndarray):
        if value.nbytes < LARGE_BYTES or value.dtype.hasobject:
            return value
        arrays.append(np.ascontiguousarray(value))
        return _Follows(value.shape, value.dtype)
    if isinstance(value, Mapping):
        return {key: _lightened(each, arrays) for key, each in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    light = copy.copy(value)
    for field in fields(value):
        object.__setattr__(light, field.name, _lightened(getattr(value, field.name), arrays))
    return light


def _completed(value: Any, connection: Connection[Any, Any]) -> Any:
    """Replace the placeholders by the arrays that follow, in the order of their removal."""
    if isinstance(value, _Follows):
        return _received(value, connection)
    if isinstance(value, dict):
        return {key: _completed(each, connection) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            whole = _completed(getattr(value, field.name), connection)
            object.__setattr__(value, field.name, whole)
    return value


def _received(place: _Follows, connection: Connection[Any, Any]) -> Array:
    array = np.empty(place.shape, place.dtype)
    octets = array.reshape(-1).view(np.uint8)
    for start in range(0, octets.size, _PIECE_BYTES):
        connection.recv_bytes_into(octets[start : start + _PIECE_BYTES])
    return array
