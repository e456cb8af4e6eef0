"""TODO napari_plugin."""
