"""The columns of a cohort's table that are no measures."""

TRAIN = "train"
KEYS = ("case", "patient", "set")
REMARKS = ("status", "undefined")
"""What `segwatch measure --cohort` says of each case beside its measures."""
SEGMENTER, TRUTH_SHARE = "segmenter", "truth_share_of_lung"
BESIDE = ("dice", TRUTH_SHARE, SEGMENTER)
"""What a table may say of a mask beside its measures: how good it is, what the truth is, and who made it."""
