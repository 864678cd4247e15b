"""How far a site's failure rate is off: by 15 reviews of 100 studies, and by the share that is flagged.

    python -m benchmarks.site_rate [--sites 1000]

Sites are made up: a share of failures, and a flag of some sensitivity and specificity, as scorers have been
seen to have where they were not trained. Choosing and estimating is the product's code. `error` is the mean
absolute error of the rate against the share of failures among the 100 studies, `holds` how often its 95 %
interval holds the share that the site is drawn with, `raw` the error of the flagged share. Half a minute.
"""

import argparse

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.statistics.poststratified import chosen_for_review, poststratified, strata

STUDIES, REVIEWS = 100, 15
SHARES = (0.05, 0.1, 0.2, 0.35, 0.5)
SCORERS = {
    "the scorer before, new patients": (0.95, 0.24),
    "as the shipped one on patients left out": (0.89, 0.76),
    "nearly useless": (0.6, 0.6),
    "with a good second opinion": (0.9, 0.95),
}
"""Sensitivity and specificity."""


def main() -> None:
    """Print a line a scorer and share, and each scorer's mean over the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=1000)
    sites = parser.parse_args().sites
    for name, (sensitivity, specificity) in SCORERS.items():
        figures = [
            np.mean([site(share, sensitivity, specificity, seed) for seed in range(sites)], axis=0)
            for share in SHARES
        ]
        for share, each in zip(SHARES, figures, strict=True):
            print(f"{name}, {share:.0%} failing: {in_words(each)}")
        print(f"{name}, all: {in_words(np.mean(figures, axis=0))}")


def site(share: float, sensitivity: float, specificity: float, seed: int) -> tuple[float, float, float]:
    """One site: error of its rate, whether the interval holds, error of the flagged share."""
    failed, flagged = studies(share, sensitivity, specificity, seed)
    chosen = chosen_for_review(flagged, REVIEWS, seed)
    patients = np.arange(REVIEWS).astype(np.str_)
    found = poststratified(strata(flagged, chosen, failed[chosen], patients))
    assert found is not None
    truth = float(failed.mean())
    holds = found.low <= share <= found.high
    return abs(found.value - truth), float(holds), abs(float(flagged.mean()) - truth)


def studies(share: float, sensitivity: float, specificity: float, seed: int) -> tuple[Flags, Flags]:
    """Which of a site's studies have failed, and which are flagged."""
    generator = np.random.default_rng(seed)
    failed = generator.random(STUDIES) < share
    finds, passes = (generator.random(STUDIES) < rate for rate in (sensitivity, specificity))
    return failed, np.where(failed, finds, ~passes)


def in_words(figures: Floats) -> str:
    """Error, how often the interval holds, and the raw share's error."""
    error, holds, raw = figures
    return f"error {error:.3f}, holds {holds:.2f}; raw {raw:.3f}"


if __name__ == "__main__":
    main()
