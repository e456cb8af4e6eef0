"""Statistics of defects: rates and ratios with intervals, and arrangements of points.

Works on plain numbers and arrays and knows no images, models or files. The package imports numpy
and scipy only: no torch.
"""
