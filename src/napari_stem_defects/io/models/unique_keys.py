"""Refusal of JSON in which a key occurs twice.

Readers of JSON take the last of two values, or the first, without a word. What is checked may then
differ from what is used, so a model file with such a header or description is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LENGTH_BYTES = 8


def parse(text: str | bytes) -> Any:
    """Parse JSON in which no key occurs twice in one object.

    Parameters
    ----------
    text : str or bytes
        JSON, bytes in UTF-8.

    Returns
    -------
    object
        Its content.

    Raises
    ------
    ModelError
        A key occurs twice.
    ValueError
        The text is not JSON.
    RecursionError
        It is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique)


def check_header(path: Path) -> None:
    """Check that every key in the header of a safetensors file occurs once.

    Parameters
    ----------
    path : Path
        A file that ``safetensors`` could open: the length of the header in 8 bytes, little-endian,
        the header in JSON, the tensors.

    Raises
    ------
    ModelError
        A key occurs twice, or the header is not readable.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > path.stat().st_size:
            raise ModelError("its header is not readable")
        header = file.read(length)
    try:
        parse(header)
    except (ValueError, RecursionError):
        raise ModelError("its header is not readable") from None


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ModelError(f"{twice[:60]!r} occurs twice in its header")
    return content
