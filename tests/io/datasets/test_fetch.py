"""A set is fetched whole and as published, or not at all."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.errors import InputError, OutputError
from napari_stem_defects.io.datasets.catalogue import DataSet
from napari_stem_defects.io.datasets.fetch import default_folder, digest_of, fetch

PLACED = {
    "patches/DataSet_A/Bulk_0.tif": b"first",
    "patches/DataSet_A/Bulk_1.tif": b"second",
    "images/Image.tif": b"image",
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(archive: Path) -> Iterator[str]:
    """Serve the folder of the archive on this machine; yield its address."""
    handler = partial(Quiet, directory=str(archive.parent))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_archive_is_downloaded_and_laid_out(
    data_set: DataSet, server: str, tmp_path: Path
) -> None:
    pytest.importorskip("pooch")
    steps: list[Progress] = []
    out = tmp_path / "there" / "small"
    assert fetch(data_set, out, f"{server}/state.zip", steps.append)
    assert files_in(out) == PLACED
    assert [path.name for path in out.parent.iterdir()] == ["small"]
    assert (steps[-1].done, steps[-1].total) == (3, 3)
    assert not fetch(data_set, out)  # there already: nothing is asked of the network


def test_a_mirror_may_be_an_archive_or_a_folder(
    data_set: DataSet, archive: Path, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    assert fetch(data_set, first, str(archive))
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            path = tmp_path / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read(entry))
    assert fetch(data_set, second, str(tmp_path / "repository-state"))  # as unpacked
    assert fetch(data_set, third, str(first))  # as this program laid it out
    assert files_in(first) == files_in(second) == files_in(third) == PLACED


def test_without_a_connection_one_line_states_what_to_do(data_set: DataSet, tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    with pytest.raises(InputError, match=r"small: http://127.0.0.1:9/nothing.zip cannot be .*--mi"):
        fetch(data_set, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_missing_page_is_one_line(data_set: DataSet, server: str, tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    with pytest.raises(InputError, match=r"none.zip cannot be downloaded \(HTTPError\)"):
        fetch(data_set, tmp_path / "out", f"{server}/none.zip")


@pytest.mark.parametrize("change", ["other", "missing", "added"])
def test_files_that_were_not_published_are_not_kept(
    change: str, data_set: DataSet, tmp_path: Path
) -> None:
    files = {
        f"top/Image Data/DataSet_A/Bulk_{n}.tif": data
        for n, data in enumerate((b"first", b"second"))
    }
    files["top/Image.tif"] = b"another" if change == "other" else b"image"
    if change == "missing":
        del files["top/Image Data/DataSet_A/Bulk_0.tif"]
    if change == "added":
        files["top/Image Data/DataSet_A/Bulk_7.tif"] = b"more"
    path = tmp_path / "state.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    with pytest.raises(InputError, match="they are not the 3 that were published; nothing was"):
        fetch(data_set, tmp_path / "out", str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["state.zip"]


def test_paths_that_lead_out_of_the_folder_are_left_out(data_set: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "state.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("top/../Image.tif", b"image")
        file.writestr("top/Image Data/DataSet_A/../../../evil.tif", b"evil")
    with pytest.raises(InputError, match="0 files found"):
        fetch(data_set, tmp_path / "out", str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["state.zip"]


def test_a_folder_with_something_else_is_left_alone(
    data_set: DataSet, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("keep")
    with pytest.raises(OutputError, match="out: holds something else than small; choose a new"):
        fetch(data_set, out, str(archive))
    assert files_in(out) == {"thesis.txt": b"keep"}
    (out / "thesis.txt").unlink()
    assert fetch(data_set, out, str(archive))
    (out / "images" / "Image.tif").write_bytes(b"edited")
    with pytest.raises(OutputError, match="holds something else"):
        fetch(data_set, out, str(archive))


def test_other_mirrors_are_one_line(data_set: DataSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.zip: cannot be read \(No such file"):
        fetch(data_set, tmp_path / "out", str(tmp_path / "none.zip"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: holds no Image Data/DataSet_A; give the zip"):
        fetch(data_set, tmp_path / "out", str(tmp_path / "empty"))


def test_the_digest_depends_on_names_and_content_only() -> None:
    assert digest_of({"b": "2", "a": "1"}) == digest_of({"a": "1", "b": "2"})
    assert digest_of({"a": "1"}) != digest_of({"b": "1"}) != digest_of({"b": "2"})


def test_the_default_folder_is_the_users(data_set: DataSet) -> None:
    assert default_folder(data_set).parts[-2:] == ("data-sets", "small")
