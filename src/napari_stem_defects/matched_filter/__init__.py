"""Defects learned from a few clicks: matched filters on the lattice residual.

A click shows one example of a defect. Its lattice residual (`anomaly.residual`), averaged over
the clicks of a class, is the template; similarity to the template finds the rest. Where the clicks
of an extended class have no look in common, as along a general grain boundary, their anomaly score
takes the place of the template.

1. `matched_filter.templates` aligns the residual around the clicks and averages it;
2. `matched_filter.similarity` compares every place of an image with a template;
3. `matched_filter.thresholds` finds the similarity that separates a class from the rest;
4. `matched_filter.like_sites` compares places with all others where the lattice shows the same,
   for point defects that are dense;
5. `matched_filter.fit` is these four for all classes and images: clicks to `MatchedFilterModel`;
6. `matched_filter.class_maps` gives the probability of every class at every place of an image;
7. `matched_filter.storage` turns a model into arrays and JSON, and back.

The package computes on arrays with numpy and scipy alone, no torch, and may import anomaly and
base.
"""
