"""Pages of the site that are made from code and from files outside ``docs``.

MkDocs calls the functions ``on_...`` (see ``mkdocs.yml``): they add the command reference, the
Python reference, the home page, the changelog and the guide for contributors, and lead links that
leave ``docs`` to these pages or to copies of the files they name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs loads this file alone

from command_reference import command_page
from file_tables import fill_tables
from mkdocs.structure.files import File
from python_reference import python_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Pages that lie beside `docs`, and their names on the site.
BESIDE_DOCS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
# Files that pages outside of code link to, copied to the site.
COPIED = "copied"
# In tables of code hosts a bar within code is escaped; Python-Markdown shows the escape.
ESCAPED_BAR = re.compile(r"`[^`\n]*\\\|[^`\n]*`")
# Badges come from another server; the site shows nothing that does.
BADGE = re.compile(r"^!\[[^\]]*\]\(https://img\.shields\.io/.*\)\n", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here, and the files outside ``docs`` that pages link to."""
    made = {"commands.md": command_page(), "python.md": python_page()}
    made |= {page: _read(ROOT / name) for name, page in BESIDE_DOCS.items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    texts = {ROOT / name: made[page] for name, page in BESIDE_DOCS.items()}
    texts |= {path: _read(path) for path in (ROOT / "docs").rglob("*.md")}
    for copied in sorted(_linked_outside(texts)):
        name = f"{COPIED}/{copied}"
        files.append(File.generated(config, name, abs_src_path=str(ROOT / copied)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a page to where their targets are on the site."""
    origin = {site: name for name, site in BESIDE_DOCS.items()}.get(page.file.src_uri)
    source = ROOT / origin if origin else ROOT / "docs" / page.file.src_uri
    up = "../" * page.file.src_uri.count("/")
    markdown = ESCAPED_BAR.sub(lambda match: match.group().replace(r"\|", "|"), markdown)
    markdown = fill_tables(BADGE.sub("", markdown))
    markdown = markdown.replace('src="docs/', f'src="{up}')
    return LINK.sub(lambda match: _on_site(match.group(1), source, up), markdown)


def _on_site(link: str, source: Path, up: str) -> str:
    """Return a link of a source file as it must be on the site."""
    target = _in_project(link, source)
    if target is None:
        return link
    if target.startswith("docs/"):
        return up + target.removeprefix("docs/")
    return up + BESIDE_DOCS.get(target, f"{COPIED}/{target}")


def _in_project(link: str, source: Path) -> str | None:
    """Return the file that a link names, from the root of the project, None if there is none."""
    target = (source.parent / link).resolve()
    if not target.is_file() or not target.is_relative_to(ROOT):
        return None
    return target.relative_to(ROOT).as_posix()


def _linked_outside(texts: dict[Path, str]) -> set[str]:
    """Return the linked files that are neither in ``docs`` nor pages of the site."""
    links = ((link, path) for path, text in texts.items() for link in LINK.findall(text))
    targets = {_in_project(link, path) for link, path in links}
    return {
        each
        for each in targets
        if each is not None and not each.startswith("docs/") and each not in BESIDE_DOCS
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
