"""Files have the names of their images, each once."""

from __future__ import annotations

from pathlib import Path

from export_samples import write_sample

from napari_stem_defects.io.export.exported_results import read_results_to_export
from napari_stem_defects.io.export.options import name_files


def test_images_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    folders = [write_sample(tmp_path / name) for name in ("a", "b")]
    images, _ = read_results_to_export(folders)
    names = [path.name for _, path in name_files(images, tmp_path, ".x")]
    assert names == ["lamella.x", "lamella_2.x"]
