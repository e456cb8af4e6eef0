"""The public data sets that can be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes
    ----------
    name : str
        Name on the command line.
    content : str
        What it holds.
    url : str
        A zip archive of one state of its source.
    parts : mapping of str to str
        Folders and files of the archive, without its top folder, and where they go. Other files are
        left out.
    count : int
        Number of files.
    sha256 : str
        Of the files, see `fetch.digest_of`: the bytes of an archive may change while its files stay
        the same.
    terms : str
        Licence, and what to cite.
    """

    name: str
    content: str
    url: str
    parts: Mapping[str, str]
    count: int
    sha256: str
    terms: str


_CDTE_STO = DataSet(
    name="cdte-sto",
    content="labelled 64x64 px patches of CdTe and SrTiO3, and the images they were cut from",
    url=(
        "https://github.com/RAW-Ayyubi/defect-classification-in-stem-images/archive/"
        "c4cf67a7528a8e234d15238211c766c05bc3a8f4.zip"
    ),
    parts={
        "Image Data/DataSet_CdTe": "patches/DataSet_CdTe",
        "Image Data/DataSet_STO": "patches/DataSet_STO",
        "CdTe_Training_Image.tif": "images/CdTe_Training_Image.tif",
        "STO_Training_Image.jpg": "images/STO_Training_Image.jpg",
    },
    count=1885,
    sha256="99a165d4ae7cf5735c736ed750b4c76a2bd2a7b8b3561f637acb34d071dc929d",
    terms=(
        "no licence is stated; cite Ayyubi et al., npj Computational Materials (2026),"
        " doi 10.1038/s41524-026-02024-x"
    ),
)

DATA_SETS = {each.name: each for each in (_CDTE_STO,)}
"""All data sets by name."""


def find_data_set(name: str) -> DataSet:
    """Return a data set.

    Parameters
    ----------
    name : str

    Returns
    -------
    DataSet

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in DATA_SETS:
        raise InputError(f"data set {name!r} is unknown; there are: {', '.join(DATA_SETS)}")
    return DATA_SETS[name]
