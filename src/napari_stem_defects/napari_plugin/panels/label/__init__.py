"""TODO napari_plugin/panels/label."""
