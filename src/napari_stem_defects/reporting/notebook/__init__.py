"""Micrographs, detections, surveys and ensembles in notebooks: cards in HTML, tables and plots.

One module per type, with a function each for ``repr``, the card, the table and the plot; the types
call them by name. `html_card` writes cards, `image_axes` draws images with their scale. Cards are
self-contained and escape all text; pandas and matplotlib are loaded when they are used.
"""
