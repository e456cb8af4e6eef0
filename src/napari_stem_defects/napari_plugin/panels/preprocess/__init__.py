"""The panel Preprocess: adjust the preprocessing and see each of its stages.

May import ``panels.common`` and ``layers``, but no other panel.
"""
