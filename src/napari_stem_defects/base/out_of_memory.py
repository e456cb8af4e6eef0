"""Detection of out-of-memory errors, and the advice that messages give on them."""

from __future__ import annotations

# torch raises RuntimeError for main memory and for the memory of Apple GPUs, and so does Python if
# no memory is left for the stack of a thread.
_MESSAGES = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "can't start new thread",
)

ADVICE = "close other programs, or use a smaller image or stack"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception means that memory ran out.

    Parameters
    ----------
    error : BaseException
        Exception of Python, numpy or torch.

    Returns
    -------
    bool
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MESSAGES)
