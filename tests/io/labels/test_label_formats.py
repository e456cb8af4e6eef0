"""The table of the formats of labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.labels.label_files import _READERS
from napari_stem_defects.io.labels.label_formats import LABEL_FORMATS, LabelFormat, is_label_file


def test_folders_of_patches_are_no_label_files(tmp_path: Path) -> None:
    folder = tmp_path / "patches.zip"
    folder.mkdir()
    assert not is_label_file(folder)
    assert not is_label_file(tmp_path / "patches")
    assert all(is_label_file(tmp_path / f"a{end}") for end in (".csv", ".ZIP", ".roi", ".geojson"))


@pytest.mark.parametrize("format", LABEL_FORMATS, ids=lambda each: each.name)
def test_every_format_is_read_and_named_in_the_help(
    format: LabelFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    assert format in _READERS
    with pytest.raises(SystemExit):
        main(["labels", "import", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert format.name in text
    assert all(is_label_file(Path(f"a{suffix}")) for suffix in format.suffixes)


@pytest.mark.parametrize("format", LABEL_FORMATS, ids=lambda each: each.name)
def test_every_format_is_described(format: LabelFormat) -> None:
    page = Path(__file__).parents[3] / "docs" / "other-programs.md"
    table = (
        page.read_text(encoding="utf-8").split("## Labels from other programs")[1].split("\n## ")[0]
    )
    first_word = next(iter(format.name.split()))
    assert any(
        first_word.casefold().rstrip("s") in row.casefold()
        for row in table.splitlines()
        if row.startswith("|")
    )
