"""Labels on micrographs: their data types and the state of a label project.

`label` defines labels, classes and labelled frames; `state` replays the events of a project to its
current labels. Nothing here reads or writes files (see `io.labels`) or computes on pixels. It may
import `base` and `errors` only.
"""
