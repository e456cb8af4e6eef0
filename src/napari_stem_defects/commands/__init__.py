"""The commands of ``stem-defects``, one module each: options in, verbs called, files out."""
