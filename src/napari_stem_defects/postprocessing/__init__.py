"""Probability map -> masks -> measured regions.

`masks.masks_from_probability` draws one mask per class, with rules for point defects
(`point_masks`) and planar ones (`planar_masks`); `regions.measure_regions` measures the connected
components; `results` holds what detection returns. All of it works in row blocks, so that nothing
of the size of the image is held but packed masks. It may import `base` and nothing above it.
"""
