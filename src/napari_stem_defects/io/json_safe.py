"""Conversion of metadata to JSON-safe values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_DEPTH = 12
_ITEMS = 200
_TEXT = 2000


def plain(value: Any, depth: int = _DEPTH) -> Any:
    """Return a value as dicts, lists, text, finite numbers, booleans and None.

    Long texts and lists are cut and large arrays are replaced by their description: tags may hold
    thumbnails, gain references and colour tables, which do not belong in a summary.

    Parameters
    ----------
    value : object
        NaN and infinity become None; objects of other types become their ``str``.
    depth : int
        Levels of nesting to keep; deeper values become ``"…"``.

    Returns
    -------
    dict, list, str, int, float, bool or None
        The JSON-safe value.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        value = _text(value)
    if isinstance(value, str):
        return _clean(value)
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_ITEMS]
        return {_clean(str(key)): plain(item, depth - 1) for key, item in pairs}
    return _plain_sequence(value, depth)


def _plain_sequence(value: Any, depth: int) -> Any:
    if isinstance(value, np.ndarray):
        if value.size > _ITEMS:
            return f"array {value.shape} {value.dtype}"
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth - 1) for item in list(value)[:_ITEMS]]
    return _clean(str(value))


def _text(value: bytes) -> str:
    try:
        text = value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        text = "\0"
    return f"{len(value)} bytes" if "\0" in text else text


def _clean(text: str) -> str:
    text = text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
