"""The columns of a cohort's table that are no measures."""

TRAIN = "train"
KEYS = ("case", "patient", "set")
MADE_BY = ("opinion", "ensemble")
"""Whose second opinion the features compare with (NAME@SHA256), and what the lesion model's agreement is of:
one of each in a cohort, since those of two do not compare."""
REMARKS = ("status", "undefined", *MADE_BY)
"""What `segwatch measure --cohort` says of each case beside its measures."""
SEGMENTER, TRUTH_SHARE = "segmenter", "truth_share_of_lung"
BESIDE = ("dice", TRUTH_SHARE, SEGMENTER)
"""What a table may say of a mask beside its measures: how good it is, what the truth is, and who made it."""
