"""Results of detection and simulation on disk.

`result_folder` writes the folder of one micrograph and `read_results` reads it; `formats` contains
the file formats (OME-TIFF masks, ``.npz`` probabilities, CSV regions), `frame_file` the files of
single frames, `summary` the content of ``summary.json``, and `checksums` detects files edited by
hand. `write_simulation` writes simulated micrographs with their ground truth. A new result file
needs a writer and a reader in `formats`, its name in `result_folder.RESULT_FILES`, which is what is
published, checksummed and expected of a finished result, and a call in `ResultFolder._write_arrays`
or `_write_texts`. May import all other packages of `io` and those below.
"""
