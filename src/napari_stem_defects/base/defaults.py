"""Defaults that the command line, the panels and the Python interface share."""

DEFAULT_MODEL = "cdte-110"
"""Name of a pretrained ensemble, for examples and measurements."""

AUTO_MODEL = "auto"
"""Stands for the model whose lattice fits the image; used if none is given."""
