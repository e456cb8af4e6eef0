"""Everything that touches the disk: images, patch folders, labels, models, results."""
