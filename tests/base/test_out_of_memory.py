"""Out-of-memory errors of Python, numpy and torch are recognised."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.out_of_memory import is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 12 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("can't start new thread"),
    ],
)
def test_memory_errors_of_all_libraries_are_recognised(error: BaseException) -> None:
    assert is_out_of_memory(error)


def test_the_memory_error_of_numpy_is_recognised() -> None:
    with pytest.raises(MemoryError) as caught:
        np.zeros(2**60, np.uint8)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shape mismatch"),
        ValueError("out of memory"),
        OSError(28, "No space left on device"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_are_not_memory_errors(error: BaseException) -> None:
    assert not is_out_of_memory(error)
