"""Reading of micrographs from image files.

`read` opens every supported format, `find` the images of folders, `formats` lists the formats.
To add one, write a function that lists its signals (`signals.StoredSignal`) in a module of its
own, and register its suffixes, first bytes and function in `formats`. For files dropped on
napari, the suffix also goes into `napari_plugin.reader.SUFFIXES` and the reader patterns of
`napari.yaml`.

Each decision has one place: `signals` chooses what is read, `axes` orders rows,
columns and frames, `pixel_size` understands units (`tiff_pixel_size` finds them in TIFF files),
`convert` turns stored numbers into float32 pixels, `burned_in_marks` masks scale bars,
`transforms` recognises complex Fourier transforms, `limits` and `hdf5_guard` refuse files that
are too big or refer to other files. `write_stages` writes preprocessing stages as TIFF and PNG.
Nothing here imports the other packages of `io`.
"""
