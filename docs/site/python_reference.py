"""The Python reference as Markdown for mkdocstrings: every public name of the package root."""

from __future__ import annotations

import inspect

import napari_stem_defects as sd

HEAD = """# Python

All public names, made from their docstrings. `import napari_stem_defects as sd` is enough; names of
sub-packages may change between versions, these do not.
"""


def python_page() -> str:
    """Return the page that lists functions, then types, then values."""
    functions, types, values = [], [], []
    for name in sd.__all__:
        thing = getattr(sd, name)
        if name != "__version__":
            group = types if inspect.isclass(thing) else functions if callable(thing) else values
            group.append(f"::: napari_stem_defects.{name}")
    parts = [HEAD, "## Functions", *functions, "## Types", *types, "## Values", *values]
    return "\n\n".join(parts) + "\n"
