"""``python -m napari_stem_defects``: the command line."""

from __future__ import annotations

import sys

from napari_stem_defects.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
