"""The four panels Preprocess, Label patches, Train ensemble and Detect defects.

Each panel is a folder of its own with a view model (state and actions, without Qt) and the
widgets that show it. Panels import ``panels.common`` and ``layers``, but not each other.
"""
