from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.io.json_safe import plain

_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates()
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner), st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@settings(deadline=None)
@given(_TREES)
def test_anything_becomes_json(tree: Any) -> None:
    data = plain(tree)
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (float("nan"), None),
        (np.array([1, 2]), [1, 2]),
        (np.zeros((100, 100), np.uint8), "array (100, 100) uint8"),
        (b"JEOL\0", "JEOL"),
        (b"\0\x01\0\x02", "4 bytes"),
        (b"\xff\xfe", "2 bytes"),
        ({1: (date(2026, 1, 2), Path("a"))}, {"1": ["2026-01-02", "a"]}),
        ("\ud800", "?"),
    ],
)
def test_examples(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_long_and_deep_things_are_cut() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    size = len(json.dumps(plain({"deep": deep, "text": "x" * 10**6, "list": list(range(10**5))})))
    assert size < 5000
