"""A process that makes so many labels in a project that another one wants to label as well.

Whoever finds the project taken waits and opens it again, as a person would.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from napari_stem_defects.io.labels.project import LabelProject


def main(path: Path, count: int, name: str) -> None:
    chance, made = random.Random(name), 0
    while made < count:
        with LabelProject.open(path) as project:
            if not project.read_only:
                image = project.frames[0].sha256
                for _ in range(min(chance.randint(1, 10), count - made)):
                    print(project.add(image, made % 64, made % 50, "SF1").id, flush=True)
                    made += 1
        time.sleep(chance.uniform(0, 0.02))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
