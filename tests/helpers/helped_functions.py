"""Functions that the tests let helper processes call."""

from __future__ import annotations

import os
import time
from typing import Any


def where(image: Any, common: Any, item: int) -> tuple[int, int]:
    """Return the item and the process that computed it, which takes a moment."""
    time.sleep(0.02)
    return item, os.getpid()


def value(image: Any, common: float, item: tuple[int, int]) -> float:
    """Return a value of the image."""
    time.sleep(0.005)
    return float(image[item]) * common


def die_elsewhere(image: Any, common: int, item: int) -> int:
    """End the process, unless it is that of the caller."""
    if os.getpid() != common:
        os._exit(1)
    time.sleep(0.01)
    return item


def refuse(image: Any, common: Any, item: int) -> int:
    """Raise for one item."""
    if item == 3:
        raise ZeroDivisionError(item)
    return item
