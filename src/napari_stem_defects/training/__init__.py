"""Train, calibrate and evaluate ensembles from labelled images.

A labelled data set is divided by a grouped train/test split, cut into augmented windows and fitted;
the members are calibrated and evaluated on windows kept out of training. The package also suggests
windows to label next (active learning). It works on arrays and imports from `labels`,
`simulation`, `detection`, `postprocessing`, `inference`, `networks`, `preprocessing`, `lattice`,
`base` and `errors`; it reads and writes no files.
"""
