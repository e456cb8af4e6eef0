"""Movies: drift of the specimen, defects linked over time, and what happens to them.

`drift` measures how the image moves from frame to frame, `linking` links the point defects of
successive frames to tracks (with trackpy, an optional package), `histories` derives births, deaths,
hops, residence times and counts from the tracks. May import `postprocessing`, `statistics`,
`base` and `errors`; reads and writes no files.
"""
