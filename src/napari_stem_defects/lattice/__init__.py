"""Measurements of lattices and alignment of images.

Lattice spacings from the power spectrum, matching of pixel sizes and resampling, alignment of
overlapping patches, and template matching. The package imports only `base` and `errors`: no torch.
"""
