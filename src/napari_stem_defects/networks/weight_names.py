"""Names of the weights of an ensemble, as stored in model files.

A model file names each tensor ``<class index>.<seed index>.<parameter>``. The parameter names are
those of the `networks.member.Member` module, in which layers are numbered by their position:

=====================================  ==========================================================
parameter                              layer
=====================================  ==========================================================
``branches.<part>.0.*``                batch normalisation of the input features of a part of the
                                       representation ("fft", "real", "residual")
``branches.<part>.<1 + 4 b>.weight``   3x3 convolution of block b, counted from 0
``branches.<part>.<2 + 4 b>.*``        batch normalisation of block b; its maximum pooling
                                       (3 + 4 b) and SELU (4 + 4 b) have no parameters
``head.1.*``                           fully connected hidden layer, after dropout (0)
``head.4.*``                           fully connected output layer, after SELU (2), dropout (3)
=====================================  ==========================================================

The arrays of a teacher, a quick model beside the networks, have the names that
`matched_filter.storage` lists, after ``teacher.``.

Model files of all versions hold these names: they must not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

TEACHER = "teacher."
"""Beginning of the names of the arrays of a teacher."""
_OUTPUT_LAYER = "head.4."

T = TypeVar("T")


def weight_name(class_index: int, seed_index: int, parameter: str) -> str:
    """Return the name of a member's parameter in a model file.

    Parameters
    ----------
    class_index, seed_index : int
        Position of the member's class and seed in the ensemble's description.
    parameter : str
        Name of the parameter in the member.
    """
    return f"{class_index}.{seed_index}.{parameter}"


def select_member_weights(
    weights: Mapping[str, T], class_index: int, seed_index: int
) -> dict[str, T]:
    """Select the weights of one member, by the parameter names of the member.

    Parameters
    ----------
    weights : mapping
        Weights of an ensemble by the names that `weight_name` returns.
    class_index, seed_index : int
        Position of the member's class and seed in the ensemble's description.
    """
    prefix = weight_name(class_index, seed_index, "")
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def is_output_layer(parameter: str) -> bool:
    """Return whether a member's parameter belongs to its output layer.

    In shared pretraining, the output layer has one row per class; all others have the shapes
    they have in a member.
    """
    return parameter.startswith(_OUTPUT_LAYER)
