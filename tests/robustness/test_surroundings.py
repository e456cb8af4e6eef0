"""Commands in odd surroundings: files that are none, encodings, folders that are missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tifffile
from lattice_images import lattice_image

IS_POSIX = os.name == "posix"
MAIN = "import sys; from napari_stem_defects.cli.main import main; sys.exit(main())"


def info(path: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "info", str(path)],
        capture_output=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Write an image whose lattice no special model knows, so that no network is loaded."""
    path = tmp_path / "Gitter µ 晶.tif"
    tifffile.imwrite(path, lattice_image(12.0, 1.3, 81.0))
    return path


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """Write an image that a special model is tried on."""
    path = tmp_path / "Gitter µ 晶 90°.tif"
    tifffile.imwrite(path, lattice_image(12.0))
    return path


@pytest.mark.skipif(not IS_POSIX, reason="no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    started = time.monotonic()
    done = info(tmp_path / "pipe.tif")
    assert done.returncode == 2
    assert b"is a pipe or a device; name an image file" in done.stderr
    assert time.monotonic() - started < 30


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "endless.tif"
    link.symlink_to("/dev/zero")
    done = info(link)
    assert done.returncode == 2
    assert b"is a pipe or a device" in done.stderr


def test_a_folder_with_the_name_of_an_image_is_searched_for_images(tmp_path: Path) -> None:
    (tmp_path / "folder.tif").mkdir()
    done = info(tmp_path / "folder.tif")
    assert done.returncode == 2
    assert b"folder.tif: holds no image" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "utf-8"])
def test_an_encoding_without_the_signs_costs_no_result(image: Path, encoding: str) -> None:
    done = info(image, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"px" in done.stdout


@pytest.mark.skipif(not IS_POSIX, reason="the variables are those of POSIX")
@pytest.mark.parametrize("variable", ["TMPDIR", "HOME"])
def test_a_missing_folder_of_the_user_costs_no_result(square: Path, variable: str) -> None:
    done = info(square, **{variable: "/nonexistent/folder"})
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not IS_POSIX, reason="no limits of a process")
def test_few_open_files_suffice(square: Path) -> None:
    script = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)); {MAIN}"
    command = [sys.executable, "-c", script, "info", str(square)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not IS_POSIX, reason="pipes close differently")
@pytest.mark.parametrize("arguments", ["info IMAGE", "models list", "detect --help", "--version"])
def test_a_closed_pipe_is_no_error(image: Path, arguments: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [str(image) if word == "IMAGE" else word for word in arguments.split()]
    command = [sys.executable, "-c", MAIN, *words]
    buffered = {name: each for name, each in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False, env=buffered
    )
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_an_output_that_cannot_be_written_is_stated(image: Path) -> None:
    command = [sys.executable, "-c", MAIN, "info", str(image)]
    buffered = {name: each for name, each in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False, env=buffered
        )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "stem-defects: the output cannot be written: No space left on device"
    ]


@pytest.mark.parametrize("number", [8, pytest.param(40, marks=pytest.mark.long)])
def test_many_commands_at_once_all_give_their_result(
    image: Path, square: Path, number: int
) -> None:
    """One of them loads networks, in the long form all."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MAIN, "info", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for path in ([square] * number if number > 8 else [square, *[image] * (number - 1)])
    ]
    outputs = {process.communicate(timeout=300)[0] for process in running}
    assert {process.returncode for process in running} == {0}
    assert len(outputs) == (1 if number > 8 else 2)
