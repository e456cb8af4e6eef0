"""Everything that is read from or written to disk.

`images`, `labels`, `models` and `results` each hold one kind of file; a new file format goes into
the package of its kind; `export` writes results for other programs. They use the disk primitives
`atomic` (atomic writes), `json_safe` (metadata as JSON) and `messages` (one-line errors), which
depend on no format. May import `reporting`, `training` and the packages below them; command line,
plugin, jobs and `api` import `io`.
"""
