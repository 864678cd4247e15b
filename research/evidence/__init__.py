"""`docs/evidence.md`: how good scorers are on real predictions, made by one command from a cohort's folder.

`trials.py` scores every row without its patient (`stored_outcomes.py`); `figures.py` computes what is
reported, with intervals that resample patients; `choice.py` chooses a scorer for each patient without them;
`feature_worth.py` leaves out features, `other_segmenters.py` learns from one segmenter and judges another;
`local_labels.py` looks at local labels and batches, `held_out_changes.py` at changes of the scan that were
not met; `shipped.py` judges the scorer that is shipped; `goals.py` says what was asked for and whether it
is met; `page.py` and `shipped_page.py` write it down.
"""
