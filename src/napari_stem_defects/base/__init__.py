"""Data types and conventions that all other packages share.

Micrographs, search areas, names and colours of the defect classes, progress and cancellation, and
the detection of memory errors. The package imports only `napari_stem_defects.errors`, numpy and
scikit-image: no torch, no Qt, no file access.
"""
