"""Layers that a panel has added to the viewer, held weakly."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

from napari.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari.components import ViewerModel

_Owned = TypeVar("_Owned", bound=Layer)


class OwnedLayers(Generic[_Owned]):
    """The layers a panel has added to a viewer, by key.

    The user may delete or rename every layer at any time. References are weak, so a deleted
    layer frees its memory, and `get` returns only layers that are still in the viewer.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that the layers are added to.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._added: dict[str, weakref.ref[_Owned]] = {}

    def __contains__(self, key: str) -> bool:
        """Return whether a layer was added under this key, deleted or not."""
        return key in self._added

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys of all layers added, deleted ones included."""
        return iter(tuple(self._added))

    def get(self, key: str) -> _Owned | None:
        """Return the layer of a key; None if it was never added or the user has deleted it."""
        layer = alive(self._added.get(key))
        return layer if layer is not None and layer in self._viewer.layers else None

    def add(
        self, key: str, layer: _Owned, activate: bool = False, above: Layer | None = None
    ) -> None:
        """Add a layer to the viewer.

        Parameters
        ----------
        key : str
            Replaces an earlier layer of the same key, which stays in the viewer.
        layer : Layer
        activate : bool
            Whether the new layer becomes the active one; by default the user's stays active.
        above : Layer, optional
            The layer directly below the new one; by default the new one is on top of all.
        """
        active = self._viewer.layers.selection.active
        if above is not None and above in self._viewer.layers:
            self._viewer.layers.insert(self._viewer.layers.index(above) + 1, layer)
        else:
            self._viewer.add_layer(layer)
        if not activate:
            self._viewer.layers.selection.active = active
        self._added[key] = weakref.ref(layer)

    def claim(self, key: str, layer: _Owned) -> None:
        """Take a layer that is in the viewer already, such as one that a reader has added."""
        self._added[key] = weakref.ref(layer)

    def forget(self) -> None:
        """Give up ownership; the layers stay in the viewer."""
        self._added.clear()

    def remove_all(self) -> None:
        """Remove all layers from the viewer, as `remove` does."""
        self.remove(self)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove layers from the viewer; while napari announces it, none of them is owned any more.

        Who looks for layers that the user has deleted would take these for such ones otherwise.

        Parameters
        ----------
        keys : iterable of str
            Their keys; others are passed over.
        """
        keys = tuple(keys)
        layers = [self.get(key) for key in keys]
        for key in keys:
            self._added.pop(key, None)
        for layer in layers:
            if layer is not None:
                self._viewer.layers.remove(layer)


def alive(reference: weakref.ref[_Owned] | None) -> _Owned | None:
    """Return the object of a weak reference; None without a reference or object."""
    return None if reference is None else reference()
