"""The same function for many items of an image: here, or divided between processes.

Planes, lines and sites of an image are measured one by one, each by itself. Steps of the search
name the function and the items, and do not know where it runs: here in turn, unless the program
provides helpers for a large image (`workers.helpers`). The results are the same.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

Image = TypeVar("Image", bound="NDArray[np.float32] | None")
Common = TypeVar("Common")
Item = TypeVar("Item")
Result = TypeVar("Result")


class ForEach(Protocol):
    """What `for_each` passes its arguments to."""

    def __call__(
        self,
        function: Callable[[Any, Any, Any], Any],
        image: NDArray[np.float32] | None,
        common: Any,
        items: Sequence[Any],
        /,
    ) -> list[Any]:
        """Return the results in the order of the items."""


def for_each(
    function: Callable[[Image, Common, Item], Result],
    image: Image,
    common: Common,
    items: Sequence[Item],
) -> list[Result]:
    """Return the results of a function for all items.

    Parameters
    ----------
    function : callable
        On the top level of its module, so that other processes find it by its name. Called with
        the image, what is common to all items, and an item, none of which it changes.
    image : ndarray of float32, shape (Y, X), or None
        Sent to other processes once, however often the same array is used.
    common : object
        Sent to other processes once per call.
    items : sequence
        Small.

    Returns
    -------
    list
        In the order of the items.
    """
    return _provided.get()(function, image, common, items)


def in_turn(
    function: Callable[[Any, Any, Any], Any],
    image: NDArray[np.float32] | None,
    common: Any,
    items: Sequence[Any],
    /,
) -> list[Any]:
    """Call the function here, for one item after another."""
    return [function(image, common, item) for item in items]


_provided: ContextVar[ForEach] = ContextVar("for_each", default=in_turn)


@contextmanager
def provided(by: ForEach) -> Iterator[None]:
    """Let `for_each` divide its items in another way, in this thread.

    Parameters
    ----------
    by : ForEach

    Yields
    ------
    None
        Afterwards the way of before holds again.
    """
    token = _provided.set(by)
    try:
        yield
    finally:
        _provided.reset(token)
