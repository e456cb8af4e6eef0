"""Results and evaluations as pictures and text: report figures, overview pages, Markdown tables.

Imports training, postprocessing and the packages below them, no Qt, and no file formats: io writes
what this package draws, the plugin shows it. matplotlib is loaded when the first chart is drawn.
"""
