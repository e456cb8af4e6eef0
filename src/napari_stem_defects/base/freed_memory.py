"""Freed memory goes back to the system.

The allocator of Linux keeps freed arrays of up to 32 MB for the next ones, and all that lies below
one that is still used: in the survey of a large image more than 100 MB.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back_freed_memory() -> None:
    """Give freed memory back to the system, where its C library can (glibc); else do nothing."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without it, such as musl
            ctypes.CDLL(None).malloc_trim(0)
