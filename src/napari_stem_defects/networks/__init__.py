"""Neural networks of an ensemble: description, architecture, weights and model card.

`spec` describes an ensemble, `member` is the binary CNN of one class, `ensemble` merges all
members for inference, and `model_card` writes the description as Markdown. The package imports
only `preprocessing`, `lattice`, `base` and `errors`.
"""
