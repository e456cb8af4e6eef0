"""The site builds without a warning, and its reference pages hold what the program has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_stem_defects as sd
from napari_stem_defects.cli.main import COMMANDS
from napari_stem_defects.io.images.formats import IMAGE_SUFFIXES
from napari_stem_defects.io.results.formats import REGION_COLUMNS
from napari_stem_defects.io.results.survey_folder import COLUMNS as SURVEY_COLUMNS
from napari_stem_defects.io.results.watch_table import COLUMNS as WATCH_COLUMNS

pytest.importorskip("mkdocs", reason="needs mkdocs: pip install '.[docs]'")
pytest.importorskip("mkdocstrings", reason="needs mkdocstrings: pip install '.[docs]'")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site strictly: any warning, as of a broken link, ends the build."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr, built.stderr
    return folder


def ids(page: Path) -> set[str]:
    """Return the anchors of a page."""
    return set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_has_its_section(site: Path) -> None:
    page = site / "commands.html"
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert names <= ids(page)
    text = page.read_text(encoding="utf-8")
    assert "models-export" in ids(page)
    assert "--cluster ADDRESS" in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_public_name_has_its_section(site: Path) -> None:
    page = site / "python.html"
    names = {f"napari_stem_defects.{name}" for name in sd.__all__ if name != "__version__"}
    assert names <= ids(page)
    assert "Parameters" in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_page_on_files_has_every_format_and_column(site: Path) -> None:
    text = (site / "files.html").read_text(encoding="utf-8")
    for name in {*IMAGE_SUFFIXES, *REGION_COLUMNS, *SURVEY_COLUMNS, *WATCH_COLUMNS}:
        assert f"<code>{name}</code>" in text
    assert "<!-- table" not in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_links_that_leave_docs_lead_to_pages_and_files(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="tutorial.html"' in home
    assert "\\|" not in re.sub(r"<pre>.*?</pre>", "", home, flags=re.DOTALL)
    assert "docs/" not in re.findall(r'(?:href|src)="([^"]*)"', home)
    assert (site / "copied" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (site / "images" / "overview.png").is_file()
    assert not re.search(r'<(?:img|script|link)[^>]*(?:src|href)="https?:', home)
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_pages_work_when_they_are_opened_from_the_disk(site: Path) -> None:
    """A browser shows a list of files where a link leads to a folder."""
    for page in (site / "index.html", site / "how-to" / "detect.html"):
        links = re.findall(r'href="([^"#?]+)', page.read_text(encoding="utf-8"))
        inside = [each for each in links if "://" not in each and not each.startswith("mailto:")]
        assert len(inside) > 30
        assert [each for each in inside if not (page.parent / each).is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_empty_value_is_printed_as_the_default_of_an_option(site: Path) -> None:
    text = (site / "commands.html").read_text(encoding="utf-8")
    assert re.findall(r"default: <code>(?:\{\}|\[\]|\(\)|None)", text) == []
    assert "default: {}" not in text
