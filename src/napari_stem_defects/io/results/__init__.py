"""Results of detection and simulation on disk.

`result_folder` writes the folder of one micrograph and `read_results` reads it; `formats` contains
the file formats (OME-TIFF masks, ``.npz`` probabilities, CSV regions), `frame_file` the files of
single frames, `summary` the content of ``summary.json``, and `checksums` detects files edited by
hand. `write_simulation` writes simulated micrographs with their ground truth. A new export adds a
writer to `formats`, its file name to `result_folder.RESULT_FILES`, and a call to
`ResultFolder.merge`. May import all other packages of `io` and those below.
"""
