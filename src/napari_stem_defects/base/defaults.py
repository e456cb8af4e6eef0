"""Defaults that the command line, the panels and the Python interface share."""

DEFAULT_MODEL = "cdte-110"
"""Name of the pretrained ensemble that is used if none is chosen."""
