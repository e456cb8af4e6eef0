"""Running out of memory: how to tell, and what to tell the user."""

from __future__ import annotations

# torch raises RuntimeError for the processor's memory and for Apple's, and so does Python where
# there is none left for the stack of a thread.
_SIGNS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "can't start new thread",
)

ADVICE = "close other programs, or use a smaller image or stack"


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an exception means that memory ran out, whichever library raised it."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
