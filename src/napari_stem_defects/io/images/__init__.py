"""Reading of micrographs from image files.

`read` opens every supported format. To add a format, write a loader that returns a
`convert.RawImage` in `general_formats` (general image formats) or `microscope_formats` (through
RosettaSciIO), and register its suffixes, first bytes and loader in the list of formats in `read`.
For files dropped on napari, the suffix also goes into `napari_plugin.reader.SUFFIXES` and the
reader patterns of `napari.yaml`. `convert` turns the stored numbers into float32 pixels,
`pixel_size` and `tiff_pixel_size` find the pixel size, `limits` and `hdf5_guard` refuse files that
are too big or refer to other files. `write_stages` writes preprocessing stages as TIFF and PNG.
Nothing here imports the other packages of `io`.
"""
