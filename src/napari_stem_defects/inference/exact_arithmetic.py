"""Full float32 precision on GPUs while mode "exact" computes.

By default, cuDNN rounds the factors of float32 convolutions to TF32, with ten bits after
the point: probabilities then differ by up to 0.008 from those of a CPU. The switches hold for the
whole process, so they are set for the time of an exact inference and restored by the last of
several that run at once.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_running = 0
_before: list[Any] = []


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute products and convolutions of float32 in float32 within the block."""
    global _running
    with _lock:
        if _running == 0:
            _before[:] = [getattr(switch, name) for switch, name, _ in _switches()]
            for switch, name, exact in _switches():
                setattr(switch, name, exact)
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                for (switch, name, _), value in zip(_switches(), _before, strict=True):
                    setattr(switch, name, value)


def _switches() -> list[tuple[Any, str, Any]]:
    """Return objects, names of their attributes, and the values without TF32."""
    backends: Any = torch.backends  # its types lack the switches of single operations
    if hasattr(backends.cuda.matmul, "fp32_precision"):
        # A mixture of these and the older switches is an error in torch.
        parts = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
        return [(part, "fp32_precision", "ieee") for part in parts]
    return [(part, "allow_tf32", False) for part in (backends.cuda.matmul, backends.cudnn)]
