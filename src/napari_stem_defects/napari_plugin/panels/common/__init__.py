"""Controls and view models that several panels share, and the state shared between panels.

May import ``layers`` and the packages below the plugin, but no panel.
"""
