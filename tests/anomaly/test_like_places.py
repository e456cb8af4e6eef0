"""Places that are like others."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.anomaly.like_places import like_places

LATTICE = np.array([[0.0, 7.0], [6.0, 3.0]])
NOWHERE = np.zeros((90, 90), bool)


def sites() -> np.ndarray:
    order = np.mgrid[-20:21, -20:21].reshape(2, -1).T @ LATTICE + 45
    return np.rint(order[((order >= 0) & (order < 90)).all(axis=1)]).astype(int)


def test_like_places_are_a_lattice_vector_away_and_apart():
    places = sites()[::5]
    like = like_places(places, [LATTICE], NOWHERE, 6.5)
    assert len(like) > 0.8 * len(places)
    away = np.hypot(*(like[:, None] - places[None]).transpose(2, 0, 1))
    assert away.min() > 0.6 * 6.5
    lengths = np.hypot(*(np.array([(0, 1), (1, 0), (1, 1), (1, -1)]) @ LATTICE).T)
    assert (np.abs(away.min(axis=1)[:, None] - lengths).min(axis=1) < 1.5).all()
    each = np.hypot(*(like[:, None] - like[None]).transpose(2, 0, 1))
    assert each[np.triu_indices(len(like), 1)].min() > 0.6 * 6.5


def test_none_is_outside_of_the_crystal():
    barred = NOWHERE.copy()
    barred[:, 45:] = True
    like = like_places(sites()[::4], [LATTICE], barred, 6.5)
    assert len(like)
    assert not barred[tuple(like.T)].any()


def test_there_is_none_where_every_place_is_taken_or_no_lattice_known():
    assert like_places(sites(), [LATTICE], NOWHERE, 6.5).shape == (0, 2)
    assert like_places(sites()[::5], [], NOWHERE, 6.5).shape == (0, 2)
