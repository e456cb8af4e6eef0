"""Files of a comparison with ground truth: the manifest, the ground truth and the predictions.

May import the other formats of `io`, `scoring`, `base` and `errors`.
"""
