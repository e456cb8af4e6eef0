"""Label projects and patch folders: reading, writing, import and export.

`project` is the label project that the plugin, scripts and the command line use, based on
`project_reader` and `project_history`; `journal` and `pixels` are its files, and `verify` checks
them. `exchange` imports and exports labels as patch folders (`patch_folder`) and tables of points
(`point_table`). `load_dataset` combines patch folders and label projects into a training set.
A new label format goes into a module of its own, which `exchange` calls. May import `io.images`
and the packages below `io`, but neither `io.models` nor `io.results`.
"""
