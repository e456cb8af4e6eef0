"""A search that gets only so many MB more than it holds when it starts.

The limit is on address space, so what fails is whatever asks for memory next: reading, flattening,
cutting windows, the networks, fusing, writing.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from napari_stem_defects.cli import main as cli
from napari_stem_defects.detection import detect_frame  # noqa: F401
from napari_stem_defects.inference import predict  # noqa: F401
from napari_stem_defects.io.models.kept_models import kept_model
from napari_stem_defects.jobs import batch, batch_frame
from napari_stem_defects.reporting import overview  # noqa: F401


def main(image: Path, out: Path, model: Path, megabytes: int) -> int:
    batch_frame.read_once(image)  # the reading process is another one, not limited here
    kept_model(model)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    arguments = ["detect", image, "--out", out, "--model", model, "--pixel-size", "0.027"]
    return cli.main([str(argument) for argument in (*arguments, "--stride", "8")])


if __name__ == "__main__":
    assert batch
    sys.exit(main(*map(Path, sys.argv[1:4]), int(sys.argv[4])))
