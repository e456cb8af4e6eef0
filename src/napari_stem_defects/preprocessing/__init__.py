"""TODO preprocessing."""
