"""The panel Detect defects: run an ensemble, set thresholds, correct regions, export results.

May import ``panels.common`` and ``layers``, but no other panel.
"""
