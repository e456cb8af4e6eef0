"""The page of results: statistics of detections, with charts, tables and a methods text.

`data` holds what is reported, `tables` computes it, the other modules show it as charts, text and
HTML. Imports statistics and the packages that reporting may import; io reads the results and
writes the page.
"""
