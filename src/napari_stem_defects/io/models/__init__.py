"""TODO io/models."""
