"""Damaged, hostile and bloated files through the worker process: one line each, soon and cheap."""

from __future__ import annotations

import contextlib
import struct
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import psutil
import pytest
import tifffile

pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")

import h5py
import test_microscope_formats as microscopes
import test_mrc as mrc
import test_numpy_files as numpy_files
import test_pictures as pictures
import test_tiff as tiff
from reader_contract import IMAGE, ReaderContract, damaged, fault_of

from napari_stem_defects.errors import ReadError
from napari_stem_defects.workers import isolated_read
from napari_stem_defects.workers.client import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS: dict[str, type[ReaderContract]] = {
    "tiff": tiff.TestPlainTiff,
    "tiff-lzw": tiff.TestLzwRgbaTiff,
    "tiff-imagej": tiff.TestImageJTiff,
    "tiff-ome": tiff.TestOmeTiff,
    "png": pictures.TestPng,
    "jpeg": pictures.TestJpeg,
    "npy": numpy_files.TestNpy,
    "dm3": microscopes.TestDm3,
    "dm4": microscopes.TestDm4,
    "ser": microscopes.TestSer,
    "mrc": mrc.TestMrc,
    "mrc-packed": mrc.TestPackedMrc,
    "hspy": microscopes.TestHspy,
    "emd-ncem": microscopes.TestBerkeleyEmd,
    "emd-velox": microscopes.TestVeloxEmd,
}
LONGEST_S = 10
MOST_BYTES = 2 * 2**30


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        made = Worker()
        patch.setattr(isolated_read, "get_worker", lambda name: made)
        yield made
        made.close()


@dataclass
class Tally:
    """How the files of one format ended."""

    endings: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def take(self, path: Path) -> None:
        started = time.perf_counter()
        try:
            pixels = isolated_read.read_micrograph(path).pixels
            good = pixels.dtype == np.float32 and np.isfinite(pixels).all()
            ending, fault = "read", "" if good else f"{path.name}: pixels {pixels.dtype}"
        except ReadError as error:
            line = str(error)
            ending, fault = _ending(line), fault_of(line, path)
        except Exception as error:
            ending, fault = "escaped", f"{path.name}: {type(error).__name__}: {error}"
        self.endings[ending] += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - started)
        self.faults += [fault] if fault else []


def _ending(line: str) -> str:
    signs = {"crashes the library": "crash", "is not read within": "hang", "too much memory": "fat"}
    return next((name for sign, name in signs.items() if sign in line), "refused")


def peak_bytes(worker: Worker) -> int:
    """Return the most memory the process that reads has held so far."""
    assert worker.pid is not None
    try:
        with open(f"/proc/{worker.pid}/status", encoding="ascii") as status:
            (line,) = (line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        return int(psutil.Process(worker.pid).memory_info().rss)


class Peak:
    """Watches the most memory the process that reads holds, also of one that is ended for it."""

    def __init__(self, worker: Worker) -> None:
        self.bytes = 0
        self._worker, self._over = worker, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            with contextlib.suppress(AssertionError, OSError, ValueError, psutil.Error):
                self.bytes = max(self.bytes, peak_bytes(self._worker))


def forget_peak(worker: Worker) -> None:
    """Let `peak_bytes` begin anew where the system can."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5", encoding="ascii")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "count", [2, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_damaged_files(worker: Worker, tmp_path: Path, kind: str, count: int) -> None:
    made = FORMATS[kind]()
    seed = tmp_path / f"seed{made.suffix}"
    made.write(seed, IMAGE)
    isolated_read.read_micrograph(seed)
    forget_peak(worker)
    whole, tally = seed.read_bytes(), Tally()
    path = tmp_path / f"damaged{made.suffix}"
    with Peak(worker) as watched:
        for number in range(count):
            path.write_bytes(damaged(bytearray(whole), np.random.default_rng([4, number])))
            tally.take(path)
    endings = ", ".join(f"{n} {ending}" for ending, n in sorted(tally.endings.items()))
    print(f"{kind}: {endings}; slowest {tally.slowest_s:.1f} s; {watched.bytes / 2**20:.0f} MiB")
    assert tally.faults == []
    assert tally.slowest_s < LONGEST_S
    assert watched.bytes < MOST_BYTES


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file of one header and some chunks."""
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (header, *chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


def big_png(path: Path) -> Path:
    path.write_bytes(png(16_384, 16_384, (b"IDAT", zlib.compress(bytes(1000)))))
    return path


def png_with_a_long_text(path: Path) -> Path:
    text = b"Comment\0\0" + zlib.compress(bytes(70 * 2**20))
    path.write_bytes(png(80, 70, (b"zTXt", text), (b"IDAT", zlib.compress(bytes(81 * 70)))))
    return path


def tiff_of(edge: int, path: Path) -> Path:
    tifffile.imwrite(path, IMAGE, compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tif:
        for code in (256, 257, 278):
            tif.pages[0].tags[code].overwrite(edge)
    return path


def tiff_of_200_gb(path: Path) -> Path:
    return tiff_of(450_000, path)


def tiff_of_2_gb(path: Path) -> Path:
    return tiff_of(43_000, path)


def npy_of_100_gb(path: Path) -> Path:
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (320000, 320000), }"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", 118) + head.ljust(117) + b"\n" + b"x" * 9)
    return path


def hdf5_of_149_gb(path: Path) -> Path:
    microscopes.write_hspy(path, microscopes.signal_dict(IMAGE))
    with h5py.File(path, "a") as file:
        del file["Experiments/HAADF/data"]
        shape, chunks = (200_000, 200_000), (1000, 1000)
        file.create_dataset("Experiments/HAADF/data", shape, np.float32, chunks=chunks)
    return path


def hdf5_of_zeros(path: Path) -> Path:
    """Hold 1 GB in chunks that were never written."""
    microscopes.write_hspy(path, microscopes.signal_dict(IMAGE))
    with h5py.File(path, "a") as file:
        del file["Experiments/HAADF/data"]
        options = {"chunks": (4096, 4096), "compression": "gzip", "fillvalue": 0}
        file.create_dataset("Experiments/HAADF/data", (32_768, 32_768), np.uint8, **options)
    return path


def tiff_of_zeros(path: Path) -> Path:
    """Hold what it declares, 128 MB, as tightly as zlib can."""
    zeros = np.zeros((8192, 16_384), np.uint8)
    tifffile.imwrite(path, zeros, compression="zlib", rowsperstrip=8192)
    return path


def hdf5_of_packed_zeros(path: Path) -> Path:
    """Hold what it declares, 128 MB, as tightly as gzip can."""
    microscopes.write_hspy(path, microscopes.signal_dict(IMAGE))
    with h5py.File(path, "a") as file:
        del file["Experiments/HAADF/data"]
        zeros = np.zeros((8192, 16_384), np.uint8)
        options = {"chunks": (4096, 4096), "compression": "gzip"}
        file.create_dataset("Experiments/HAADF/data", data=zeros, **options)
    return path


def mrc_of_terabytes(path: Path) -> Path:
    mrc.TestMrc().write(path, IMAGE)
    with path.open("r+b") as file:
        file.write(struct.pack("<2i", 2_000_000, 2_000_000))
    return path


def dm4_of_gigabytes(path: Path) -> Path:
    """Say of its last array, the pixels, that it has 2^33 of them."""
    microscopes.TestDm4().write(path, IMAGE)
    pixels, count = path.read_bytes(), struct.pack(">Q", IMAGE.size)
    assert pixels.count(count) == 1
    path.write_bytes(pixels.replace(count, struct.pack(">Q", 2**33)))
    return path


BOMBS = {
    "png of 268 million px": (big_png, ".png"),
    "png with 70 MB of text": (png_with_a_long_text, ".png"),
    "tiff of 200 GB": (tiff_of_200_gb, ".tif"),
    "tiff of 2 GB": (tiff_of_2_gb, ".tif"),
    "npy of 100 GB": (npy_of_100_gb, ".npy"),
    "hspy of 149 GB": (hdf5_of_149_gb, ".hspy"),
    "hspy of zeros": (hdf5_of_zeros, ".hspy"),
    "tiff of packed zeros": (tiff_of_zeros, ".tif"),
    "hspy of packed zeros": (hdf5_of_packed_zeros, ".hspy"),
    "mrc of 16 TB": (mrc_of_terabytes, ".mrc"),
    "dm4 of 8 GB": (dm4_of_gigabytes, ".dm4"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_at_once(worker: Worker, tmp_path: Path, kind: str) -> None:
    write, suffix = BOMBS[kind]
    path = write(tmp_path / f"bomb{suffix}")
    assert path.stat().st_size < 2**20
    sound = tmp_path / "sound.npy"
    np.save(sound, IMAGE)
    warm = tmp_path / "sound.hspy"
    microscopes.write_hspy(warm, microscopes.signal_dict(IMAGE))
    for each in (sound, warm):
        isolated_read.read_micrograph(each)
    forget_peak(worker)
    before, times = peak_bytes(worker), []
    for _ in range(3):  # something else may hold one of them up
        started = time.perf_counter()
        with pytest.raises(ReadError) as caught:
            isolated_read.read_micrograph(path)
        times.append(time.perf_counter() - started)
    grown = peak_bytes(worker) - before
    print(f"{kind}: {min(times):.2f} s, +{grown / 2**20:.0f} MiB, {caught.value}")
    assert fault_of(str(caught.value), path) == ""
    assert min(times) < 1
    assert grown < 100 * 2**20
