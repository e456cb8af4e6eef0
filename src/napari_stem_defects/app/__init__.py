"""napari: manifest entry points, layers and widgets."""
