"""A process that labels until it is killed, and prints what it was told is saved.

``+``: the label is saved; ``?``: it will be removed; ``-``: its removal is saved.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from napari_stem_defects.io.labels.project import LabelProject


def main(path: Path) -> None:
    with LabelProject.open(path) as project:
        print("read-only" if project.read_only else "writing", flush=True)
        if project.read_only:
            return
        image = project.frames[0].sha256
        for step in itertools.count():
            label = project.add(image, step % 64, step % 50, "SF1")
            print("+", label.id, flush=True)
            if step % 5 == 4:
                project.move(label.id, 1, 1)
                print("?", label.id, flush=True)
                project.remove(label.id)
                print("-", label.id, flush=True)
            if step % 40 == 39:
                project.compact()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
