"""The public data sets are described completely."""

from __future__ import annotations

import re

import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.datasets.catalogue import DATA_SETS, find_data_set


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_set_is_one_state_of_its_source_with_a_checksum(name: str) -> None:
    found = find_data_set(name)
    assert found.name == name
    assert re.fullmatch(r"https://\S+/[0-9a-f]{40}\.zip", found.url)
    assert re.fullmatch(r"[0-9a-f]{64}", found.sha256)
    assert found.count > 0
    assert found.terms


def test_an_unknown_set_is_one_line() -> None:
    with pytest.raises(InputError, match="data set 'wse3' is unknown; there are: cdte-sto"):
        find_data_set("wse3")
