#!/usr/bin/env bash
# A Berkeley EMD file written by RosettaSciIO (HyperSpy) and read by ncempy, and the other way.
#
# Expected: an image of 80 rows and 120 columns is one after the exchange, as it is after each
# library reads its own file.
# Seen with RosettaSciIO 0.15.0 and ncempy 1.16: RosettaSciIO stores the last axis first, ncempy
# stores and reads arrays as they are. Each reads its own file right; exchanged in either
# direction, the image comes back with rows and columns exchanged, mirrored at its diagonal, and the
# axis of the rows is called x. No error is raised, and for the usual square image nothing tells.
# Felt as: positions of defects with x and y exchanged, and a crystal of the opposite handedness.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install rosettasciio==0.15.0 ncempy==1.16 h5py==3.16.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from ncempy.io import emd
from rsciio.emd import file_reader, file_writer

image = np.arange(80 * 120, dtype=float).reshape(80, 120)
axes = [
    {"name": name, "size": size, "scale": 0.02, "offset": 0.0, "units": "nm"}
    | {"navigate": False, "index_in_array": place}
    for place, (name, size) in enumerate((("y", 80), ("x", 120)))
]
metadata = {"General": {"title": "HAADF"}, "Signal": {}}
file_writer(
    "rsciio.emd", {"data": image, "axes": axes, "metadata": metadata, "original_metadata": {}}
)
file = emd.fileEMD("ncempy.emd", readonly=False)
dims = [(0.02 * np.arange(80), "y", "[n_m]"), (0.02 * np.arange(120), "x", "[n_m]")]
file.put_emdgroup("HAADF", image, dims)
del file


def by_rsciio(name):
    (signal,) = file_reader(name)
    return signal["data"], [axis["name"] for axis in signal["axes"]]


def by_ncempy(name):
    found = emd.emdReader(name)
    return found["data"], list(found["pixelName"])


found = {
    (writer, reader.__name__): reader(f"{writer}.emd")
    for writer in ("rsciio", "ncempy")
    for reader in (by_rsciio, by_ncempy)
}
for (writer, reader), (data, names) in found.items():
    print(f"{writer} {reader}: {data.shape}, axes {names}")
    if reader.endswith(writer):
        assert np.array_equal(data, image) and names == ["y", "x"]
    else:
        assert np.array_equal(data, image.T) and names == ["x", "y"]
print("as stated")
PY
