"""Qt-free science: arrays in, arrays and frozen dataclasses out."""
