"""Files have the names of their images, each once."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_samples import write_sample

from napari_stem_defects.errors import InUseError
from napari_stem_defects.io.export.exported_results import read_results_to_export
from napari_stem_defects.io.export.options import alone, name_files


def test_images_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    folders = [write_sample(tmp_path / name) for name in ("a", "b")]
    images, _ = read_results_to_export(folders)
    names = [path.name for _, path in name_files(images, tmp_path, ".x")]
    assert names == ["lamella.x", "lamella_2.x"]


def test_what_a_killed_export_has_left_is_removed(tmp_path: Path) -> None:
    path, mine = tmp_path / "a[1].ome.zarr", tmp_path / ".1234abcd.part.b.ome.zarr"
    left = tmp_path / f".1234abcd.part.{path.name}"
    (left / "0").mkdir(parents=True)
    (tmp_path / f".abcd1234.part.{path.name}").touch()
    mine.touch()
    with alone(path):
        assert [each.name for each in tmp_path.glob("*.part.*")] == [mine.name]
        with pytest.raises(InUseError, match="another export writes here"), alone(path):
            pass
    assert list(tmp_path.iterdir()) == [mine]
