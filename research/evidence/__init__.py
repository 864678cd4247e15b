"""`docs/evidence.md`: how good scorers are on real predictions, made by one command from a cohort's folder.

`trials.py` scores every row without its patient; `figures.py` computes what is reported, with intervals that
resample patients; `choice.py` chooses a scorer for each patient without them; `groups.py` leaves out features
and groups; `shifts.py` looks at local labels and batches, `kinds.py` at changes of the scan that were not
met; `goals.py` says what was asked for and whether it is met; `page.py` writes it down.
"""
