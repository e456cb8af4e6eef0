"""The words of the project: standard terms of the field, no private names, no talking programs.

``python tests/test_words.py PATH...`` lists what these tests would report for some files.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SOURCES = ("src", "benchmarks", "studies", "training", "examples")
PAGES = ("docs", "README.md", "CONTRIBUTING.md")

# Words that programs, files and networks do not do, and what is written instead.
TALKING = {
    r"says?|said|saying": "report, state",
    r"tells?|told|telling": "report, state, distinguish",
    r"asks?|asked|asking": "predict, request, query",
    r"answer(?:s|ed|ing)?": "prediction, probability, result",
    r"speaks?|spoke|spoken|speaking": "represent, describe",
    r"claim(?:s|ed|ing)?": "assign, classify",
    r"whoever|nobody|somebody": "name who or what it is",
    r"anew": "again, new",
    r"for want of": "too few, because ... is missing",
    r"come along|comes along": "is included",
    r"freed of": "after ... subtraction",
    r"by heart": "overfit",
    r"surest": "most probable",
    r"doubts?|doubtful": "uncertainty",
}
# Private terms, and the field's.
PRIVATE = {
    r"strangers?": "out-of-distribution samples",
    r"other matter": "out-of-distribution samples",
    r"lessons?": "auxiliary loss",
    r"common start": "shared pretraining",
    r"clearing|cleared": "early exit, skipped",
    r"(?:chance|honest) splits?|splits? by chance": "random split, grouped split",
    r"made defects?": "synthetic point defects",
    r"label book": "label state",
    r"mosaics?": "patch alignment",
    r"parcels?": "array transport",
    r"handover": "shared state",
    r"result seal|sealed": "checksums",
    r"plain data": "JSON-safe metadata",
    r"flatten(?:ed|ing|s)?": "filtered image (background-subtracted, contrast-normalised)",
    r"raster(?:is\w*)?": "interpolation, upsampling",
    r"fusion|fuse[sd]?|fusing": "post-processing",
    r"specks?": "minimum length",
    r"one pass": "dense inference",
    r"window scans?": "sliding-window inference",
    r"(?<!ground )(?<!ground-)truths?": "ground truth",
}
# Identifiers as a whole or as a part between underscores.
NAMES = {
    "ask", "asked", "answer", "answers", "answered", "tell", "told", "say", "claimed", "surest",
    "stranger", "strangers", "lesson", "clearing", "cleared", "mosaic", "parcels", "handover",
    "sealed", "flatten", "flattened", "rasterise", "raster", "fused", "fuse", "fusion", "speck",
    "doubt", "pieces", "remembered",
}  # fmt: skip

_PROSE = re.compile(
    "|".join(rf"(?P<w{n}>\b(?:{word})\b)" for n, word in enumerate((*TALKING, *PRIVATE))),
    re.IGNORECASE,
)
_BETTER = [*TALKING.values(), *PRIVATE.values()]
# Code and file names in prose are not words.
_CODE = re.compile(r"``[^`]*``|`[^`]*`|\S*[/\\]\S*|\S+\.\w{2,5}\b|\w+_\w+")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def faults_in_prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the fault of every word that should be another."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _PROSE.finditer(_CODE.sub(" ", line)):
            better = _BETTER[int((match.lastgroup or "w0")[1:])]
            yield number, f"{match.group()!r}: write {better}"


def faults_in_python(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the faults of docstrings, comments, messages and names."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for line, fault in faults_in_prose(node.value):
                yield node.lineno + line - 1, fault
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from ((token.start[0], fault) for _, fault in faults_in_prose(token.string))
        elif token.type == tokenize.NAME and not _is_foreign(token):
            odd = NAMES & set(token.string.lower().strip("_").split("_"))
            yield from ((token.start[0], f"name {token.string}: {word}") for word in odd)


def _is_foreign(token: tokenize.TokenInfo) -> bool:
    """Leave alone what torch and Qt call so: attributes such as ``tensor.flatten``."""
    before = token.line[: token.start[1]]
    return before.endswith(".") and token.string in {"flatten"}


def faults_in(path: Path) -> list[str]:
    """Return the faults of one file, each with its line."""
    if path.suffix == ".py":
        found = faults_in_python(path)
    else:
        text = _FENCE.sub(lambda m: "\n" * m.group().count("\n"), path.read_text("utf-8"))
        found = faults_in_prose(text)
    return [f"{path.relative_to(ROOT)}:{line}: {fault}" for line, fault in sorted(found)]


def files_in(*names: str) -> list[Path]:
    """Return the Python files and pages in folders, and files named themselves."""
    found: list[Path] = []
    for path in (ROOT / name for name in names):
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [each for each in inside if each.suffix in (".py", ".md")]
    return sorted(found)


def test_code_and_messages_use_the_terms_of_the_field() -> None:
    faults = [fault for path in files_in(*SOURCES) for fault in faults_in(path)]
    assert not faults, "\n".join(faults)


def test_pages_use_the_terms_of_the_field() -> None:
    faults = [fault for path in files_in(*PAGES) for fault in faults_in(path)]
    assert not faults, "\n".join(faults)


def test_the_words_are_found() -> None:
    assert [fault for _, fault in faults_in_prose("Say what\nthe `ask` network answers.")] == [
        "'Say': write report, state",
        "'answers': write prediction, probability, result",
    ]
    assert not list(faults_in_prose("`flatten` writes c_flattened.tif and x.truth/masks.ome.tif"))


if __name__ == "__main__":
    for each in files_in(*sys.argv[1:]):
        print("\n".join(faults_in(each)), end="\n" if faults_in(each) else "")
