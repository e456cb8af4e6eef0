"""What is stated about grains."""

from __future__ import annotations

from napari_stem_defects.lattice.grains import Grain, GrainMap, Neighbour


def grain(number: int, *neighbours: Neighbour, share: float = 0.5) -> Grain:
    vectors = ((0.0, 9.0), (9.0, 0.0))
    return Grain(number, 5, 5, 50, share, vectors, 0.0, ((0.0, 0.0),) * 4, (), neighbours)


def test_the_statement_names_every_pair_once() -> None:
    first = grain(1, Neighbour(2, 12.34, mirrored=False), Neighbour(3, None, mirrored=False))
    second = grain(2, Neighbour(1, 12.34, mirrored=False), Neighbour(3, 40.0, mirrored=True))
    third = grain(3, Neighbour(1, None, mirrored=False), Neighbour(2, 40.0, mirrored=True))
    assert GrainMap((first, second, third)).statement == (
        "3 grains; 1 and 2 turned by 12.3 degrees; 1 and 3 with different unit cells;"
        " 2 and 3 mirrored"
    )
    assert GrainMap().statement == "no grains"


def test_long_lists_are_cut() -> None:
    beside = [Neighbour(number, 5.0, mirrored=False) for number in range(2, 12)]
    grains = (grain(1, *beside), *(grain(number) for number in range(2, 12)))
    assert GrainMap(grains).statement.endswith(" and 4 more pairs")


def test_a_single_grain_is_outlined_where_it_does_not_fill_the_image() -> None:
    assert GrainMap((grain(1, share=1.0),)).outlined == ()
    assert len(GrainMap((grain(1, share=0.6),)).outlined) == 1
    assert len(GrainMap((grain(1, share=0.98), grain(2, share=0.02))).outlined) == 2
