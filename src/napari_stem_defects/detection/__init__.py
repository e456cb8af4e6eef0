"""The main path for one frame, from a micrograph to measured defects.

1. `lattice.scale.match_scale` finds the magnification that brings the image to the model's scale;
2. `lattice.scale.resample` resamples it;
3. `preprocessing.pipeline.filter_lazily` subtracts the background and normalises local contrast;
4. `preprocessing.windows.window_grid` places the windows;
5. `inference.predict.predict` gives the probability of every class for every window;
6. `inference.spatial_averaging.average_logits` averages neighbouring windows, if the model does so;
7. `detection.valid_windows.valid_windows` excludes blank windows and invalid pixels;
8. `postprocessing.masks.masks_from_probability` draws the masks;
9. `postprocessing.regions.measure_regions` measures their connected components.

`detect_frame` is this path in one function. The package may import everything that computes on
arrays (postprocessing, inference, networks, preprocessing, lattice, base), but no disk and no
worker process.
"""
