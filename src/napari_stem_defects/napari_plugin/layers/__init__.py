"""napari layers that the plugin adds, and the conversion between layers and package types.

May import every package below the plugin, but no panel.
"""
