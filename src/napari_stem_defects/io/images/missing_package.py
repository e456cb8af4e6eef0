"""Which package a file needs that is not installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

ADVICE = "pip install '.[formats]' from a clone"
# Import names that differ from the names under which packages are installed.
_DISTRIBUTIONS = {"rsciio": "RosettaSciIO", "yaml": "PyYAML", "box": "python-box"}
_QUOTED = re.compile(r"['`\"]([A-Za-z][\w.-]*)['`\"]")


def missing_package(path: Path, error: ModuleNotFoundError) -> str:
    """Return the message about a package that a file needs.

    Parameters
    ----------
    path : Path
        The file.
    error : ModuleNotFoundError
        Raised by ``import``, which sets its name, or by a library, which may only write one.

    Returns
    -------
    str
        One line: file, package, what to install.
    """
    quoted = _QUOTED.search(str(error))
    module = error.name or (quoted[1] if quoted else "")
    package = _DISTRIBUTIONS.get(module.partition(".")[0], module.partition(".")[0])
    fault = f"needs the package {package}" if package else f"needs a package ({error})"
    return one_line(path, f"{fault}, which is not installed", ADVICE)
