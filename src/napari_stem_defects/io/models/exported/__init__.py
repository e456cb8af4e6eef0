"""Models in the formats of other programs: ONNX graphs and bioimage.io packages.

`graph` builds nodes, `image_nodes` and `network_nodes` express preprocessing and networks with
them, `onnx_file` writes the whole, and `bioimageio_package` packs it with its description and reads
such a package back. No torch is needed.
"""
