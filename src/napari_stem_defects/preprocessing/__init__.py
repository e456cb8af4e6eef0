"""Preprocessing of micrographs: normalisation, background subtraction, contrast, spectrum.

The stages are the same for preview, training and detection. In-memory, tiled and tensor versions
share their filters. The package imports only `base` and `errors`; torch is used in `pipeline_torch`
alone.
"""
