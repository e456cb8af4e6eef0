"""Functions of packages above this one, imported when they are called.

A micrograph or a result is plotted and tabulated by functions that know figures and tables; the
types themselves are used without either. Naming these functions as text keeps packages in layers
and the import of the types light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def function_of(module: str, name: str) -> Callable[..., Any]:
    """Import a function.

    Parameters
    ----------
    module : str
        Module in this package, as "reporting.notebook.detection_view".
    name : str
        Name of the function.

    Returns
    -------
    callable
    """
    package = __package__.rpartition(".")[0]
    found: Callable[..., Any] = getattr(import_module(f"{package}.{module}"), name)
    return found
