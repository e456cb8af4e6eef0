"""The panel Label patches: set, move and remove labels, and label suggested windows.

May import ``panels.common`` and ``layers``, but no other panel.
"""
