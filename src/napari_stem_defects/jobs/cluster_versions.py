"""Whether the machines of a Dask cluster have the same software as this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Versions = dict[str, str]

# Dask sends messages between them in forms that change from version to version.
_DASK = ("dask", "distributed")
_PACKAGE = "napari-stem-defects"
_SAME = "use one environment for scheduler, workers and this command"


def check_versions(client: Any, address: str) -> None:
    """Compare the versions of scheduler and workers with those of this process.

    Parameters
    ----------
    client : distributed.Client
    address : str
        Address of the scheduler, for the message.

    Raises
    ------
    InputError
        A machine lacks this package or has another version of it, of Dask or of Python.
    """
    probe = _probe()
    here = probe()
    try:
        found = {"the scheduler": client.run_on_scheduler(probe)}
        found |= {
            f"the worker {name}": versions
            for name, versions in client.run(probe, on_error="return").items()
        }
    except Exception as error:  # what is raised depends on the versions that do not fit
        cause = " ".join(str(error).split())[:80]
        raise InputError(f"{address}: its versions cannot be compared ({cause}); {_SAME}") from None
    for machine, versions in found.items():
        fault = _difference(here, versions)
        if fault:
            raise InputError(f"{address}: {machine} has {fault}; {_SAME}")


def _difference(here: Mapping[str, str], there: Any) -> str:
    """Return how the versions of a machine differ; "" if they do not."""
    if isinstance(there, BaseException):
        return f"other software ({' '.join(str(there).split())[:80]})"
    for name, version in here.items():
        found = there.get(name, "")
        if not found:
            return f"no {name}, which it needs"
        if found != version:
            return f"{name} {found}, here it is {version}"
    return ""


def _probe() -> Callable[[], Versions]:
    """Return a function that can be sent to machines without this package.

    One that is defined inside another function is sent as code, not as a name to be imported there.
    """
    python, own = "Python", (_PACKAGE, __version__)
    names = _DASK

    def versions() -> Versions:
        from importlib import import_module

        import_sys = import_module("sys")
        found = {python: ".".join(map(str, import_sys.version_info[:2]))}
        for name in names:
            found[name] = str(import_module(name).__version__)
        try:
            module = import_module(own[0].replace("-", "_") + ".base.version")
            found[own[0]] = str(module.__version__)
        except ImportError:
            found[own[0]] = ""
        return found

    return versions
