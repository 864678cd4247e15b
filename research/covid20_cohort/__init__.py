"""A cohort of real predictions from expert-labelled CTs: `python -m research make`.

`covid20.py` reads the scans; `network.py` and `training.py` make small 2D U-Nets that never saw the patients
they predict; `plan.py` says which predictions, under which `changes.py` of the scan; `predict.py` makes a
mask and what the network itself says of it; `measured_row.py` measures it as the product does;
`make_rows.py` goes through the plan and can be stopped and started again.
"""
