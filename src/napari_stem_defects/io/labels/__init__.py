"""TODO io/labels."""
