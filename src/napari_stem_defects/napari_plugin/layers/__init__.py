"""TODO napari_plugin/layers."""
