"""Results in the file formats of other programs, and labels from them.

`exported_results` reads result folders frame by frame, `region_pixels` finds the pixels of each
region; each format is a module with a function ``write``, and `registry` lists them. A new format
needs such a module and an entry there. Positions in this package are those of the results, with the
centre of the first pixel at 0; each format converts them to its own convention. May import all
other packages of `io` and those below.
"""
