"""napari plugin: reader, writer, sample data, menu commands and the four panels.

The functions and widgets that ``napari.yaml`` names are here. It may import every package except
``cli``, and it is the only package that imports napari and Qt. torch code runs in the worker
processes, never in napari.
"""
