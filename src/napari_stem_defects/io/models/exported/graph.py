"""Building of ONNX graphs: nodes and constants, with names made on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy.typing import NDArray

OPSET = 13
"""Version of the operators: all programs of recent years know it."""


@dataclass
class GraphBuilder:
    """Nodes and constants of a graph.

    Attributes
    ----------
    onnx : module
        The package onnx.
    nodes, constants : list
        In the order in which they were added.
    used : set of str
        Names that are inputs of nodes.
    """

    onnx: ModuleType
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    _prefix: str = "v"

    def body(self) -> GraphBuilder:
        """Return a builder for the body of a `Scan`; its constants are those of this graph."""
        return GraphBuilder(self.onnx, [], self.constants, self.used, f"{self._prefix}_body")

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output.

        Parameters
        ----------
        operator : str
            Name of the operator.
        *inputs : str
            Names of its inputs.
        **attributes : object
            Attributes of the node.

        Returns
        -------
        str
            Name of its output.
        """
        name = f"{self._prefix}{len(self.nodes)}"
        self.used.update(inputs)
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, values: NDArray[Any] | Sequence[Any] | float, dtype: Any = None) -> str:
        """Add a constant; floating-point values become float32, whole numbers int64.

        Parameters
        ----------
        values : array-like
        dtype : dtype, optional

        Returns
        -------
        str
            Its name.
        """
        array = np.asarray(values)
        if dtype is None:
            dtype = np.float32 if array.dtype.kind == "f" else np.int64
        name = f"c{len(self.constants)}"
        tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array, dtype), name)
        # from_array of a scalar keeps the shape () only if it is restored after C order is made.
        tensor.ClearField("dims")
        tensor.dims.extend(array.shape)
        self.constants.append(tensor)
        return name

    def length(self, image: str, axis: int) -> str:
        """Return the length of an axis as a scalar."""
        return self.add("Gather", self.add("Shape", image), self.constant(axis), axis=0)

    def vector(self, scalar: str) -> str:
        """Return a scalar as a vector of one number, as `Slice` wants it."""
        return self.add("Unsqueeze", scalar, self.constant([0]))

    def numbers(self, start: str, stop: str, step: int = 1) -> str:
        """Return the whole numbers from a scalar to another one, which is left out."""
        return self.add("Range", start, stop, self.constant(step))

    def reduced(self, operator: str, image: str) -> str:
        """Reduce the last two axes, which stay with length 1."""
        return self.add(operator, image, axes=[-2, -1], keepdims=1)
