"""Errors a user can act on.

Every message is one line that names the file or parameter, the fault and the remedy. The command
line prints it and exits with 2; the panels show it unchanged.
"""

from __future__ import annotations


class InputError(Exception):
    """An input of the user cannot be used; the message is one line and names the remedy."""


class ReadError(InputError):
    """A file cannot be read as a micrograph."""


class LabelError(InputError):
    """A label project or patch folder cannot be used."""


class ModelError(InputError):
    """A model file is missing, damaged or of a format that this version does not support."""


class OutputError(InputError):
    """Results cannot be written to the requested folder or file."""


class InUseError(OutputError):
    """Another program is writing to the requested folder."""


class OverwriteError(OutputError):
    """The output would overwrite results that contain manual corrections."""
