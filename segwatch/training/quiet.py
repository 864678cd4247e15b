"""Warnings that are expected here, and only those, kept quiet."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning


@contextmanager
def without_convergence_warnings() -> Iterator[None]:
    """The paper's MLP stops after 200 epochs, converged or not: that is its definition, no fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
