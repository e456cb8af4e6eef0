"""Geometry of planar defects: what the lattices on both sides of a line show.

`sides.cut_sides` cuts both sides out of the image, `side_lattice.find_side_lattice` measures the
lattice of each, `relation.compare_sides` compares them, and `verdict.check_line` states what that
means for the name of a class. The package imports `lattice` only.
"""
