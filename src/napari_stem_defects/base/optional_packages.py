"""Import of packages that only some file formats need; what is missing is named in one line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType


def load_package(module: str, package: str, purpose: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module.
    package : str
        Name under which the package is installed.
    purpose : str
        What needs it, for the message.

    Returns
    -------
    module

    Raises
    ------
    InputError
        The package, or one that it needs, is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = package if _is_part(error.name, module) else error.name or package
        raise InputError(f"{purpose} needs the package {missing}: pip install {missing}") from error


def _is_part(missing: str | None, module: str) -> bool:
    return missing is not None and (module == missing or module.startswith(f"{missing}."))
