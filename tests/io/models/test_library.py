"""The library: bundled models and the user's own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from small_model import write_small_model

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.library import (
    export_model,
    find_model,
    import_model,
    list_models,
    remove_model,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bundled"
    monkeypatch.setattr(library_module, "BUNDLED", folder)
    write_small_model(folder / "cdte-110.safetensors", description="bundled")
    return folder


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's library, which is not there yet."""
    monkeypatch.setattr(
        library_module, "user_data_path", lambda name, **_: tmp_path / "home" / name
    )
    return library_module.user_folder()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return write_small_model(tmp_path / "elsewhere" / "mine.safetensors", description="mine")


def test_a_fresh_library_has_what_is_bundled(bundled: Path, user: Path) -> None:
    (entry,) = list_models()
    assert (entry.name, entry.source) == ("cdte-110", "bundled")
    assert entry.spec.description == "bundled"
    assert find_model("cdte-110") == entry.path == bundled / "cdte-110.safetensors"
    assert not user.exists()


def test_the_real_bundle_is_sound() -> None:
    for entry in library_module._entries("bundled", library_module.BUNDLED):
        assert entry.spec.name == entry.name
    assert all(
        library_module.load_model(path).sha256
        for path in library_module.BUNDLED.glob("*.safetensors")
    )


def test_imported_models_are_the_users(bundled: Path, user: Path, outside: Path) -> None:
    entry = import_model(outside)
    assert (entry.name, entry.source) == ("mine", "user")
    assert entry.path == user / "mine.safetensors"
    assert entry.path.read_bytes() == outside.read_bytes()
    assert entry.spec.description == "mine"
    assert find_model("mine") == entry.path
    assert [(e.name, e.source) for e in list_models()] == [
        ("mine", "user"),
        ("cdte-110", "bundled"),
    ]


def test_importing_again_is_no_error(bundled: Path, user: Path, outside: Path) -> None:
    first = import_model(outside)
    assert import_model(outside) == first
    assert import_model(first.path) == first


def test_another_model_of_that_name_is_refused(bundled: Path, user: Path, outside: Path) -> None:
    entry = import_model(outside)
    before = entry.path.read_bytes()
    write_small_model(outside, description="same weights, other words")
    with pytest.raises(ModelError, match=r"^mine.safetensors: .*another model.*rename"):
        import_model(outside)
    assert entry.path.read_bytes() == before


def test_the_users_models_shadow_bundled_ones(bundled: Path, user: Path, tmp_path: Path) -> None:
    own = write_small_model(tmp_path / "cdte-110.safetensors", description="own")
    entry = import_model(own)
    assert find_model("cdte-110") == entry.path
    assert [e.spec.description for e in list_models()] == ["own", "bundled"]


def test_unsound_files_are_not_imported(bundled: Path, user: Path, outside: Path) -> None:
    outside.write_bytes(outside.read_bytes()[:-7])
    with pytest.raises(ModelError, match=r"^mine.safetensors: "):
        import_model(outside)
    renamed = shutil.move(bundled / "cdte-110.safetensors", outside.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"^mine.bin: .*rename"):
        import_model(renamed)
    assert not user.exists()


def test_unreadable_and_half_written_files_are_not_listed(bundled: Path, user: Path) -> None:
    (bundled / "broken.safetensors").write_bytes(b"broken")
    (bundled / "notes.txt").write_text("no model")
    sound = bundled / "cdte-110.safetensors"
    shutil.copy(sound, bundled / ".3f2a.part.cdte-110.safetensors")
    assert [entry.name for entry in list_models()] == ["cdte-110"]
    assert find_model("broken") == bundled / "broken.safetensors"  # loading it reports the fault


@pytest.mark.parametrize("name", ["sto", "", "../bundled/cdte-110", "sub/cdte-110", "cdte-110\n"])
def test_wrong_names_name_the_right_ones(bundled: Path, user: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"no such model.*cdte-110") as caught:
        find_model(name)
    assert str(caught.value).isprintable()


def test_paths_are_taken_as_they_are(bundled: Path, user: Path, outside: Path) -> None:
    assert find_model(outside) == find_model(str(outside)) == outside
    with pytest.raises(ModelError, match=r"^none.safetensors: there is no such model file"):
        find_model(outside.with_stem("none"))


def test_an_empty_library_is_reported(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "BUNDLED", tmp_path / "nothing")
    assert list_models() == []
    with pytest.raises(ModelError, match="none yet"):
        find_model("cdte-110")


def test_a_model_travels_with_its_card(user: Path, outside: Path, tmp_path: Path) -> None:
    outside.with_suffix(".md").write_text("# mine", encoding="utf-8")
    entry = import_model(outside)
    assert entry.path.with_suffix(".md").read_text(encoding="utf-8") == "# mine"
    written = export_model(entry.path, tmp_path / "out" / "copy")
    assert written == tmp_path / "out" / "copy.safetensors"
    assert written.read_bytes() == outside.read_bytes()
    assert written.with_suffix(".md").read_text(encoding="utf-8") == "# mine"


def test_only_the_users_own_models_are_removed(bundled: Path, user: Path, outside: Path) -> None:
    outside.with_suffix(".md").write_text("# mine", encoding="utf-8")
    entry = import_model(outside)
    entry.path.with_suffix(".report").mkdir()
    remove_model(entry.path)
    assert list(user.iterdir()) == []
    with pytest.raises(ModelError, match=r"^mine.safetensors: .*this model no longer exists"):
        export_model(entry.path, outside)
    for other in (bundled / "cdte-110.safetensors", outside):
        with pytest.raises(ModelError, match="only models of your own"):
            remove_model(other)
        assert other.exists()
