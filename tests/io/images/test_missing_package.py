from __future__ import annotations

from pathlib import Path

import pytest

from napari_stem_defects.io.images.missing_package import missing_package

PATH = Path("a.emd")


@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ModuleNotFoundError("No module named 'h5py'", name="h5py"), "h5py"),
        (ModuleNotFoundError("No module named 'rsciio.emd'", name="rsciio.emd"), "RosettaSciIO"),
        (ModuleNotFoundError("The 'sparse' library was not found. To load EDS"), "sparse"),
    ],
)
def test_the_package_is_named_as_it_is_installed(error: ModuleNotFoundError, package: str) -> None:
    line = missing_package(PATH, error)
    assert line.startswith(f"a.emd: needs the package {package}, which is not installed; pip")


def test_a_library_that_names_no_package_is_quoted() -> None:
    line = missing_package(PATH, ModuleNotFoundError("something is missing"))
    assert line.startswith("a.emd: needs a package (something is missing)")
    assert "None" not in line
