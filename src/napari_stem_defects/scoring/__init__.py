"""Scores of predicted defects against ground truth: pairs within a distance, shares, false area.

Works on points and masks of any program and knows no models or files. May import `statistics` and
`errors` only.
"""
