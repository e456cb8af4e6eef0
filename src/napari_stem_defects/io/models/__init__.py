"""Model files, the model library, training checkpoints and evaluation reports.

`model_file` saves and loads an ensemble, `library` lists, imports and exports models,
`checkpoint_store` saves the state of an unfinished training, and `report_folder` writes the
evaluation of a model. All files are safetensors, JSON, CSV, Markdown or PNG; none can execute
code. May import the packages below `io`, but neither `io.labels` nor `io.results`.
"""
