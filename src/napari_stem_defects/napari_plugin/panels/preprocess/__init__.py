"""TODO napari_plugin/panels/preprocess."""
