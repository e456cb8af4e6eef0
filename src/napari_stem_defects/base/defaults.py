"""Defaults that the command line, the panels and the Python interface share."""

DEFAULT_MODEL = "cdte-110"
"""Name of a pretrained ensemble, for examples and measurements."""

GENERAL_MODEL = "any-crystal"
"""Name of the pretrained ensemble that knows generic defects of any crystal."""

AUTO_MODEL = "auto"
"""Stands for the model whose lattice fits the image; used if none is given."""
