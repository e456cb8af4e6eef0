"""TODO io/images."""
