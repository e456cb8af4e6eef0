"""Fetching of a public data set: download or mirror, check, put in place as a whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import InputError, OutputError
from napari_stem_defects.io.atomic import output_error
from napari_stem_defects.io.messages import is_url, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from napari_stem_defects.io.datasets.catalogue import DataSet

# A file of a set has some kB, an image some MB.
_MOST_BYTES = 2**28


def default_folder(data_set: DataSet) -> Path:
    """Return where a data set is kept by default: in the user's data folder."""
    root: Path = user_data_path("napari-stem-defects", appauthor=False)
    return root / "data-sets" / data_set.name


def fetch(
    data_set: DataSet,
    folder: Path,
    mirror: str | None = None,
    report: ProgressCallback = silent,
) -> bool:
    """Fetch a data set into a folder, unless it is there.

    Parameters
    ----------
    data_set : DataSet
    folder : Path
        A new folder, or one that holds the set.
    mirror : str, optional
        Where to take it from instead of its source: the URL of a copy of the archive, a zip file,
        or a folder with its files.
    report : callable
        Called with the progress.

    Returns
    -------
    bool
        Whether it was fetched; False if it was there.

    Raises
    ------
    InputError
        The source cannot be reached or read, or its files are not those of the set.
    OutputError
        The folder holds something else, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _check_present(data_set, folder)
        return False
    place = data_set.url if mirror is None else mirror
    report(Progress(f"fetching {data_set.name}", 0, data_set.count))
    with TemporaryDirectory() as temporary:
        source = _download(data_set, place, Path(temporary)) if is_url(place) else Path(place)
        files = _from_folder if source.is_dir() else _from_archive
        _put_in_place(data_set, files(data_set, source), folder, report)
    return True


def digest_of(hashes: Mapping[str, str]) -> str:
    """Return the checksum of a set of files.

    Parameters
    ----------
    hashes : mapping of str to str
        SHA-256 of each file by its path in the set, with slashes.

    Returns
    -------
    str
        SHA-256 of the lines ``<path> <hash>`` in the order of the paths.
    """
    lines = "".join(f"{name} {hashes[name]}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def _check_present(data_set: DataSet, folder: Path) -> None:
    """Refuse a folder that holds anything but the set."""
    found = {}
    if folder.is_dir():
        for path in folder.rglob("*"):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest_of(found) != data_set.sha256:
        fault = f"holds something else than {data_set.name}"
        raise OutputError(one_line(folder, fault, "choose a new folder with --out"))


def _download(data_set: DataSet, url: str, folder: Path) -> Path:
    pooch = load_package("pooch", "pooch", f"fetching {data_set.name}")
    pooch.get_logger().setLevel("ERROR")
    try:
        # The files are checked, not the archive: its bytes may change.
        return Path(pooch.retrieve(url, known_hash=None, fname="archive.zip", path=folder))
    except Exception as error:  # of pooch, requests, urllib3, ftplib ...
        cause = type(error).__name__
        raise InputError(
            f"{data_set.name}: {url} cannot be downloaded ({cause}); download it elsewhere and give"
            " the file with --mirror"
        ) from error


def _from_archive(data_set: DataSet, path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the set in an archive, by their paths in the set."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                top, _, inside = entry.filename.partition("/")
                target = _target(data_set, inside) or _target(data_set, f"{top}/{inside}")
                if target is None or entry.is_dir():
                    continue
                if entry.file_size > _MOST_BYTES:
                    raise InputError(one_line(path, "holds a file that is too large", _ADVICE))
                yield target, archive.read(entry)
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(one_line(path, fault, _ADVICE)) from error


_ADVICE = "give the zip archive or a folder with its files"


def _from_folder(data_set: DataSet, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the set in a folder, laid out as the archive or as the set."""
    own = {target: target for target in data_set.parts.values()}
    for parts in (data_set.parts, own):
        if all((folder / part).exists() for part in parts):
            break
    else:
        missing = next(part for part in data_set.parts if not (folder / part).exists())
        raise InputError(one_line(folder, f"holds no {missing}", _ADVICE))
    for part, target in parts.items():
        path = folder / part
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file() and file.stat().st_size <= _MOST_BYTES:
                yield (f"{target}/{file.name}" if path.is_dir() else target), file.read_bytes()


def _target(data_set: DataSet, name: str) -> str | None:
    """Return the path in the set of a file of the archive; None for what is left out."""
    path = PurePosixPath(name)
    if ".." in path.parts or path.is_absolute() or "\\" in name or ":" in name:
        return None
    if name in data_set.parts:
        return data_set.parts[name]
    target = data_set.parts.get(str(path.parent))
    return None if target is None else f"{target}/{path.name}"


def _put_in_place(
    data_set: DataSet,
    files: Iterable[tuple[str, bytes]],
    folder: Path,
    report: ProgressCallback,
) -> None:
    """Write the files beside the folder, check them, and rename."""
    unfinished = folder.with_name(f".{secrets.token_hex(4)}.part.{folder.name}")
    hashes: dict[str, str] = {}
    try:
        for name, data in files:
            hashes[name] = hashlib.sha256(data).hexdigest()
            path = unfinished / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            report(Progress(f"fetching {data_set.name}", len(hashes), data_set.count))
        if digest_of(hashes) != data_set.sha256:
            fault = f"{data_set.name}: {len(hashes)} files found, and they are not the"
            raise InputError(f"{fault} {data_set.count} that were published; nothing was kept")
        if folder.is_dir():
            folder.rmdir()  # empty, and Windows does not replace folders
        os.replace(unfinished, folder)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
