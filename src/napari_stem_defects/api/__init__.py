"""The public functions `detect`, `train` and `evaluate`, which read and write files.

May import workers, io and everything below; never jobs, the command line, Qt or napari.
"""
