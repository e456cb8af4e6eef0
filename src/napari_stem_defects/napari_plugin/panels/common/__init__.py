"""TODO napari_plugin/panels/common."""
