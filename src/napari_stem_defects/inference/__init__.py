"""Inference: an ensemble's class probabilities for the windows of a filtered image.

`predict.predict` chooses between sliding-window and dense (fully convolutional) inference;
`early_exit` skips windows of defect-free bulk, and `spatial_averaging` averages the logits of
neighbouring windows. The package imports only `networks`, `preprocessing`, `lattice`, `base` and
`errors`.
"""
