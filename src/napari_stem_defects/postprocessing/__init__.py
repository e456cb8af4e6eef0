"""TODO postprocessing."""
