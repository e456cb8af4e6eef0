"""Long-running work of the panels and the command line: tasks and batches of files.

May import api, workers, io and everything below; never the command line, Qt or napari.
"""
