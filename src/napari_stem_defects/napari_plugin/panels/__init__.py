"""TODO napari_plugin/panels."""
