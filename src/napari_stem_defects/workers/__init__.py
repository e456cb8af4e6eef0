"""Worker processes that run jobs outside napari, with progress, cancellation and limits.

May import io and everything below, but never Qt, and torch only inside functions that need it.
"""
