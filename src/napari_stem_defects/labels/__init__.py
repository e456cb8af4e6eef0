"""Labels on micrographs: their data types and the state of a label project.

`label` defines labels, classes and labelled frames; `state` replays the events of a project to its
current labels; `label_sampling` chooses positions inside an area. Nothing here reads or writes
files (see `io.labels`). It may import `base` and `errors` only.
"""
