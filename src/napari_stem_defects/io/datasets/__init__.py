"""Public data that users fetch themselves: where it is, its checksum, and how it is laid out.

`catalogue` lists the sets, `fetch` downloads one or takes it from a mirror, and checks it. Nothing
of a set is part of this package. May import the disk primitives of `io`, `base` and `errors`.
"""
