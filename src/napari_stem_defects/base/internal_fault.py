"""An internal error with one of many images, as one line: the others go on."""

from __future__ import annotations

from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory

_LONGEST = 200


def cause_of(error: BaseException) -> str:
    """Return type and message of an error in one line.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
    """
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]


def internal_fault(name: str, error: BaseException) -> str:
    """Return what to state about an image that met an internal error.

    Parameters
    ----------
    name : str
        Of the image.
    error : BaseException
        Not an `InputError`, whose message is meant for the user.

    Returns
    -------
    str
    """
    if is_out_of_memory(error):
        return f"{name}: not enough memory; {ADVICE}"
    return f"{name}: internal error: {cause_of(error)} (run it alone with --traceback)"
