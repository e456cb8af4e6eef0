"""A missing package is named, also where it is one that another package needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.errors import InputError


def test_a_package_that_is_there_is_returned() -> None:
    assert load_package("json.decoder", "json", "reading").JSONDecoder


def test_a_missing_package_is_named_by_its_installation_name() -> None:
    with pytest.raises(InputError, match=r"^export needs the package not-there: pip install not-"):
        load_package("not_there.part", "not-there", "export")


def test_what_a_package_needs_itself_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_another.py").write_text("import another_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="needs the package another_missing"):
        load_package("needs_another", "needs-another", "export")
