"""Fixtures of the tests of label projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_samples import sample_micrograph, write_parent, write_patches

from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph


@pytest.fixture
def project(tmp_path: Path) -> Iterator[LabelProject]:
    """Yield an open project with two classes."""
    with LabelProject.create(tmp_path / "mine", ["Bulk", "SF1"]) as made:
        yield made


@pytest.fixture
def micrograph(tmp_path: Path) -> Micrograph:
    return sample_micrograph(tmp_path)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_parent(tmp_path)


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_patches(tmp_path)
