"""TODO napari_plugin/panels/detect."""
