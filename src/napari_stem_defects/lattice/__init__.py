"""Measurements of lattices and of what deviates from them.

The lattice of an image, from reflections to unit cells:

1. `lattice.reflections` finds the peaks of the power spectrum, up to `lattice.highest_frequency`;
2. `lattice.reciprocal_basis` finds the basis that they share, `lattice.superlattice` whether it is
   primitive, and `lattice.basis_fit` fits it to all of them;
3. `lattice.evened_spectrum`, `lattice.faint_lattice` and `lattice.few_periods` take over where
   parts of an image differ in contrast, reflections are faint, or periods are few;
4. `lattice.unit_cell` describes the cell; `lattice.measurement.measure_lattices` is all of this.

The lattice from place to place: `lattice.grain_map` compares tiles of the image
(`lattice.local_spectra`, `lattice.orientation_match`) and joins them to grains.

A place against its like: `lattice.site_measurement` subtracts what the lattice repeats around a
place (`lattice.site_surroundings`) and fits what is left (`lattice.gaussian_peak`,
`lattice.column_pair`, `lattice.lost_columns`).

Scales: `lattice.scale` matches the pixel sizes of an image and a model, and `lattice.geometry` is
the lattice that a model knows. The package imports only `base` and `errors`: no torch.
"""
