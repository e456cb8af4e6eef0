"""The command line ``stem-defects``: one module per command, named like it.

A command parses its options, calls the functions that the panels and Python call too, and prints
their results. It may import every package; what is slow to import is imported when a command
runs, so that ``--help`` appears at once. `main` builds the parser and maps errors to exit codes.
"""
