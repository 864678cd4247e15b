"""The features of a mask, measured without ground truth.

`measuring` measures arrays, `files` files; `segwatch.volumes.grid` resamples; `registry` lists the catalogue.
"""
