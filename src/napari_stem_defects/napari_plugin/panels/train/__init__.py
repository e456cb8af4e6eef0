"""TODO napari_plugin/panels/train."""
