"""Simulated micrographs with ground truth, by a linear imaging model.

Crystals with faults and point defects, out-of-distribution scenes, imaging, ground truth, and
synthetic point defects in real micrographs. The package serves training, tests and sample data. It
imports `base`, `lattice` and `errors` only, so that it needs no torch.
"""
