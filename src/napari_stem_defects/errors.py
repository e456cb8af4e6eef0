"""Errors a user can act on.

Every message is one line that names the file or parameter, what is wrong with it and what to
do. The command line prints it and exits with 2; the windows show it as it stands.
"""

from __future__ import annotations


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line and says what to do."""


class ReadError(InputError):
    """A file cannot be read as a micrograph."""


class LabelError(InputError):
    """A label project or patch folder cannot be used."""


class ModelError(InputError):
    """A model file is missing, damaged or of a kind this version does not know."""


class OutputError(InputError):
    """Results cannot be written where they were asked for."""


class OverwriteError(OutputError):
    """Results that somebody corrected would be lost."""
