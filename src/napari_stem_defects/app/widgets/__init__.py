"""The four windows, one file each."""
