"""Simulated micrographs with ground truth, by a linear imaging model.

CdTe [110] and SrTiO3 [001]: `simulation.crystals` places the columns, `simulation.extended_defects`
and `simulation.point_defects` change them, `simulation.imaging_model` makes the image,
`simulation.scene` holds both with the ground truth. `simulation.simulate.simulate` is one image
with chosen defects, `simulation.random_scenes.random_scene` a random one for training.

Any lattice and motif: `simulation.any_lattice` and the modules whose names begin like it, of which
`simulation.any_lattice_scene` makes the image and `simulation.any_lattice_random` draws at random.

Real micrographs: `simulation.synthetic_edits` removes and adds columns.

The package serves training, tests and sample data. It imports `base`, `lattice` and `errors` only,
so that it needs no torch.
"""
