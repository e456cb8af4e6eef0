"""The panel Train ensemble: choose labelled data and settings, train, and read the report.

May import ``panels.common`` and ``layers``, but no other panel.
"""
