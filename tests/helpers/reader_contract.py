"""Tests that every reader must pass; one test class per format inherits them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.formats import IMAGE_SUFFIXES
from napari_stem_defects.io.images.read import read

# 70 x 80 px, smooth enough for JPEG, 8 bits, neither symmetric nor square.
IMAGE = np.add.outer(np.arange(70), 2 * np.arange(80)).astype(np.uint8)
MUTATIONS = 20


class ReaderContract:
    """Tests of one format: read what `write` wrote, and survive damaged files.

    A format whose library may crash or hang on damaged files is read in a process of its own:
    there, too, the result must be a micrograph or a `ReadError`.
    """

    suffix: ClassVar[str]
    pixel_nm: ClassVar[float | None] = 0.02
    tolerance: ClassVar[float] = 0
    may_crash: ClassVar[bool] = False

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        raise NotImplementedError

    @pytest.fixture
    def seed(self, tmp_path: Path) -> Path:
        path = tmp_path / f"seed{self.suffix}"
        self.write(path, IMAGE)
        return path

    def test_pixels_are_those_written(self, seed: Path) -> None:
        micrograph = read(seed)
        pixels = micrograph.pixels
        assert pixels.dtype == np.float32
        assert pixels.dtype.isnative
        assert pixels.flags.c_contiguous
        assert pixels.flags.writeable
        assert pixels.base is None or not isinstance(pixels.base, np.memmap)
        np.testing.assert_allclose(pixels, IMAGE, atol=self.tolerance)
        assert micrograph.invalid is None

    def test_name_path_and_checksum_are_recorded(self, seed: Path) -> None:
        micrograph = read(str(seed))
        assert micrograph.name == "seed"
        assert micrograph.path == seed
        assert micrograph.sha256 == hashlib.sha256(seed.read_bytes()).hexdigest()
        assert json.loads(json.dumps(micrograph.metadata, allow_nan=False))["stored"]["shape"]

    def test_calibration_is_found(self, seed: Path) -> None:
        micrograph = read(seed)
        if self.pixel_nm is None:
            assert (micrograph.pixel_size_nm, micrograph.pixel_size_source) == (None, "unknown")
        else:
            assert micrograph.pixel_size_nm == pytest.approx(self.pixel_nm)
            assert micrograph.pixel_size_source == "file"

    def test_user_overrules_the_file(self, seed: Path) -> None:
        micrograph = read(seed, pixel_size_nm=0.5)
        assert (micrograph.pixel_size_nm, micrograph.pixel_size_source) == (0.5, "user")

    def test_suffix_may_be_in_capitals(self, seed: Path) -> None:
        assert read(seed.rename(seed.with_suffix(self.suffix.upper()))).pixels.size

    def test_file_can_be_removed_after_reading(self, seed: Path) -> None:
        micrograph = read(seed)
        seed.unlink()
        assert np.isfinite(micrograph.pixels).all()

    def test_small_image_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / f"small{self.suffix}"
        self.write(path, IMAGE[:5, :7])
        assert read(path).pixels.shape == (5, 7)

    @pytest.mark.parametrize(
        "content", [b"", b"\0", b"just some text\n" * 100, bytes(2000), b"\xff" * 2000]
    )
    def test_foreign_content_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / f"foreign{self.suffix}"
        path.write_bytes(content)
        assert_refused(path)

    def test_other_suffixes_are_refused(self, seed: Path) -> None:
        for suffix in IMAGE_SUFFIXES:
            other = seed.with_name(f"other{suffix}")
            other.write_bytes(seed.read_bytes())
            if not _same_kind(suffix, self.suffix):
                assert_refused(other)

    def test_damaged_files_are_read_or_refused(self, seed: Path) -> None:
        files = list(mutants(seed))
        verdicts = in_own_process(files) if self.may_crash else [verdict(file) for file in files]
        assert [line for line in verdicts if line] == []


def assert_refused(path: Path, *words: str) -> None:
    """Check that reading ends in one line that names the file and contains the words."""
    with pytest.raises(ReadError) as caught:
        read(path)
    line = str(caught.value)
    assert fault_of(line, path) == ""
    for word in words:
        assert word in line


def fault_of(line: str, path: Path) -> str:
    """Return the fault of an error message; empty if there is none."""
    good = len(line) <= 200 and line.isprintable() and line.startswith(path.name) and "; " in line
    return "" if good else f"bad message {line!r}"


def verdict(path: Path) -> str:
    """Return the fault in reading a file; empty if it is read or refused properly."""
    try:
        return _fault_in(read(path))
    except ReadError as error:
        return fault_of(str(error), path)
    except Exception as error:
        return f"{path.name}: {type(error).__name__}: {error}"


def mutants(seed: Path) -> Iterator[Path]:
    """Write damaged copies of a file, the same ones each time."""
    for number in range(MUTATIONS):
        rng = np.random.default_rng([3, number])
        path = seed.with_name(f"mutant-{number}{seed.suffix}")
        path.write_bytes(damaged(bytearray(seed.read_bytes()), rng))
        yield path


def in_own_process(files: list[Path]) -> list[str]:
    """Return the verdicts on the files; files that crash or hang the library are skipped.

    The worker process has to survive those, not the reader, but they must be rare.
    """
    verdicts: list[str] = []
    skipped = 0
    while files:
        lines = _lines_of_process(files)
        verdicts += lines
        if len(lines) < len(files):
            skipped += 1
        files = files[len(lines) + 1 :]
    assert skipped <= MUTATIONS // 4
    return verdicts


def _lines_of_process(files: list[Path]) -> list[str]:
    command = [sys.executable, __file__, *map(str, files)]
    try:
        return subprocess.run(command, capture_output=True, timeout=10).stdout.decode().splitlines()
    except subprocess.TimeoutExpired as hang:
        return (hang.stdout or b"").decode().splitlines()


def damaged(data: bytearray, rng: np.random.Generator) -> bytes:
    """Cut the file, overwrite single bytes (mostly in the header), or blank a block."""
    kind = rng.integers(4)
    if kind == 0:
        return bytes(data[: rng.integers(1, len(data))])
    region = min(len(data), 600) if kind == 1 else len(data)
    for position in rng.integers(4, region, size=rng.integers(1, 9)):
        data[position] = rng.integers(256)
    if kind == 3:
        start = rng.integers(4, len(data))
        data[start : start + 64] = bytes([rng.choice([0, 255])]) * len(data[start : start + 64])
    return bytes(data)


def _fault_in(micrograph: Micrograph) -> str:
    pixels: Any = micrograph.pixels
    good = pixels.dtype == np.float32 and pixels.ndim in (2, 3) and np.isfinite(pixels).all()
    return "" if good else f"{micrograph.name}: {pixels.dtype} {pixels.shape}"


def _same_kind(one: str, other: str) -> bool:
    kinds = [
        {".tif", ".tiff"},
        {".jpg", ".jpeg"},
        {".mrc", ".mrcs"},
        {".emd", ".hspy", ".h5", ".hdf5", ".hf5", ".nxs", ".nhdf"},
        {".npz", ".ndata", ".zspy", ".zarr.zip", ".ozx"},
    ]
    return one == other or any({one, other} <= kind for kind in kinds)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(verdict(Path(argument)), flush=True)
