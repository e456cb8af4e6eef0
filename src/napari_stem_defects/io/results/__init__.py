"""TODO io/results."""
