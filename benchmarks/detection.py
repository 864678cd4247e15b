"""How soon a change is found and how often a stable site rings: this detector, and what others would use.

`python -m benchmarks.detection` draws studies at random, flags them as a scorer of sensitivity .76 with 20 %
false positives does, counts them in pulses of 20, noises the counts by the release path's seeded noise, and
puts the same counts through the detector and its rivals. It writes `detection.md` beside itself.

The rivals: the rule that was here before (more than half of the last three pulses' studies), a chart of three
standard deviations, CUSUM (k = 0.5, h = 5 standard deviations), and river's Page-Hinkley and ADWIN. Chart and
CUSUM are given the true variance, and estimate the baseline from the pulses before the change.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from river.drift import ADWIN, PageHinkley

from benchmarks import detection_hospital
from segwatch.aggregation.mechanism.demo_noise import SeededNoise
from segwatch.contracts.quality import COUNT_SENSITIVITY
from segwatch.detection.dispersion import Counted, Spread, spread_of
from segwatch.detection.evidence import Evidence
from segwatch.detection.likelihood import Likelihood, of_counts
from segwatch.detection.outlook import flagged
from segwatch.detection.threshold import DISPERSION, UNKNOWN_VOLUME
from segwatch.statistics.binomial import exact_interval
from segwatch.statistics.laplace import variance

HERE = Path(__file__).parent
K, EPSILON = 20, 1.0
LONG = 500
"""Pulses in 10,000 studies."""
MOST = 400
LEARN = 20
"""Pulses from which chart and CUSUM learn the baseline of a stable site."""
Counts = np.ndarray
Rings = np.ndarray
"""Whether it rings (runs, pulses)."""


@dataclass(frozen=True)
class Scene:
    """A site's stream: the share of failing studies of each pulse, and from which pulse on it differs."""

    name: str
    failing: np.ndarray
    change: int


def step(before: float, after: float, baseline: int) -> Scene:
    """A share that rises at once."""
    name = f"{before:.0%} to {after:.0%} failing, after {baseline} pulses"
    return Scene(name, np.repeat([before, after], [baseline, MOST]), baseline)


def drift(before: float, after: float, baseline: int, studies: int) -> Scene:
    """A share that rises evenly over so many studies."""
    rising = np.linspace(before, after, studies // K + 1)[1:]
    shares = np.concatenate([np.full(baseline, before), rising, np.full(MOST - len(rising), after)])
    return Scene(
        f"{before:.0%} to {after:.0%} over {studies} studies, after {baseline} pulses", shares, baseline
    )


SCENES = (
    step(0.18, 0.74, 50),
    step(0.18, 0.40, 50),
    step(0.18, 0.40, 200),
    step(0.05, 0.25, 200),
    drift(0.18, 0.74, 50, 200),
)


def drawn(shares: np.ndarray, runs: int, seed: int, epsilon: float, repeats: int = 1) -> Counts:
    """Noised counts (runs, pulses) of studies that are flagged at these shares.

    Args:
        shares: of flagged studies, in each pulse.
        runs, seed: of the simulation.
        epsilon: of the count.
        repeats: how many studies each patient has in a row, all flagged or none.
    """
    chance, noise = np.random.default_rng(seed), SeededNoise(seed)
    exact = chance.binomial(K // repeats, shares, (runs, len(shares))) * repeats
    columns = [
        noise(str(pulse), counts.tolist(), sensitivity=COUNT_SENSITIVITY, epsilon=epsilon)
        for pulse, counts in enumerate(exact.T)
    ]
    return np.array(columns).T


def detector(threshold: float, epsilon: float, dispersion: float = DISPERSION) -> Callable[..., Rings]:
    """This detector, each run acknowledged at once when it rings before `change`."""
    every = of_counts(K, epsilon)

    def run(counts: Counts, change: int, learnt: int) -> Rings:
        del learnt
        evidence = Evidence.start((len(counts),))
        rings = np.zeros(counts.shape, dtype=bool)
        for pulse, seen in enumerate(np.clip(counts, 0, K).T):
            evidence = evidence.after(Likelihood(every.stable[seen], every.raised[seen]), dispersion)
            rings[:, pulse] = evidence.log10 >= math.log10(threshold)
            if pulse < change:
                evidence.changed[rings[:, pulse]] = -np.inf
            elif rings[:, change:].any(axis=1).all():
                break
        return rings

    return run


def level(counts: Counts, change: int, learnt: int) -> Rings:
    """More than half of the studies of the last three pulses."""
    del change, learnt
    sums = np.cumsum(np.pad(counts, ((0, 0), (3, 0))), axis=1)
    rings = sums[:, 3:] - sums[:, :-3] > 1.5 * K
    rings[:, :2] = False
    return rings


def standardised(counts: Counts, learnt: int) -> np.ndarray:
    """Counts over the standard deviation of their learnt baseline, noise included."""
    share = np.clip(counts[:, :learnt].mean(axis=1, keepdims=True) / K, 0.01, 0.99)
    return (counts - share * K) / np.sqrt(K * share * (1 - share) + variance(1 / EPSILON))


def chart(counts: Counts, change: int, learnt: int) -> Rings:
    """A count beyond three standard deviations of its learnt baseline."""
    del change
    rings = standardised(counts, learnt) > 3
    rings[:, :learnt] = False
    return rings


def cusum(counts: Counts, change: int, learnt: int) -> Rings:
    """Page's cumulative sum above the learnt baseline; it begins anew when it rings."""
    del change
    total, rings = np.zeros(len(counts)), np.zeros(counts.shape, dtype=bool)
    for pulse, seen in enumerate(standardised(counts, learnt).T):
        if pulse < learnt:
            continue
        total = np.maximum(0.0, total + seen - 0.5)
        rings[:, pulse] = total > 5
        total[rings[:, pulse]] = 0.0
    return rings


def of_river(make: Callable[[], object]) -> Callable[..., Rings]:
    """A detector of river's, by its own defaults, on each pulse's share; ADWIN rings both ways."""

    def run(counts: Counts, change: int, learnt: int) -> Rings:
        del change, learnt
        rings = np.zeros(counts.shape, dtype=bool)
        for number, stream in enumerate(counts):
            found = make()
            for pulse, count in enumerate(stream.tolist()):
                found.update(count / K)
                rings[number, pulse] = found.drift_detected
        return rings

    return run


RIVALS: dict[str, Callable[..., Rings]] = {
    "the detector": detector(UNKNOWN_VOLUME, EPSILON),
    "more than half of 60": level,
    "3-sigma chart": chart,
    "CUSUM": cusum,
    "Page-Hinkley (river)": of_river(lambda: PageHinkley(min_instances=10, delta=0.005, threshold=1.0)),
    "ADWIN (river)": of_river(ADWIN),
}


def delays(rings: Rings, change: int) -> np.ndarray:
    """Studies from the change to the first ring (runs,); infinite where there is none."""
    after = rings[:, change:]
    first = np.where(after.any(axis=1), after.argmax(axis=1) + 1.0, np.inf)
    return first * K


def spoken(studies: np.ndarray) -> str:
    """Mean and nine of ten, and what share was not found."""
    found = np.isfinite(studies)
    late = np.quantile(studies, 0.9, method="higher") if len(studies) else np.inf
    if not found.any():
        return "never"
    missed = f", {1 - found.mean():.0%} not in {MOST * K}" if not found.all() else ""
    nine = f"{late:.0f}" if np.isfinite(late) else "later"
    return f"{studies[found].mean():.0f} / {nine}{missed}"


def found_when(runs: int, seed: int) -> Iterator[list[str]]:
    """A row for each scene: how soon each finds the change."""
    for scene in SCENES:
        counts = drawn(flagged_each(scene.failing), runs, seed, EPSILON)
        yield [
            scene.name,
            *(
                spoken(delays(find(counts, scene.change, scene.change), scene.change))
                for find in RIVALS.values()
            ),
        ]


def flagged_each(failing: np.ndarray) -> np.ndarray:
    """The shares of flagged studies, where these shares fail."""
    return np.array([flagged(float(share)) for share in failing])


STABLE_SITES = """\
Masks fail; studies are flagged, failed ones and others, and flagged studies are counted. The detector's rings
are counted as if each were acknowledged at once."""
STABLE: dict[str, tuple[np.ndarray, int]] = {
    **{
        f"{share:.0%} failing ({flagged(share):.0%} flagged)": (np.full(LONG, flagged(share)), 1)
        for share in (0.14, 0.18, 0.30, 0.45)
    },
    **{f"{share:.0%} flagged": (np.full(LONG, share), 1) for share in (0.14, 0.20)},
    "2% flagged": (np.full(LONG, 0.02), 1),
    "80% flagged": (np.full(LONG, 0.80), 1),
    "30% flagged, each patient twice": (np.full(LONG, 0.30), 2),
    "20% and 40% flagged in turn (weekends)": (np.resize([0.20, 0.20, 0.40], LONG), 1),
}


def rung_falsely(runs: int, seed: int) -> Iterator[list[str]]:
    """A row for each stable site: in how many of the runs each rings within 10,000 studies, and how often.

    The last column is the detector that is told the dispersion of these counts, as the centre measures it.
    """
    for name, (shares, repeats) in STABLE.items():
        counts = drawn(shares, runs, seed, EPSILON, repeats)
        measured = dispersion_of(counts)
        told = detector(UNKNOWN_VOLUME, EPSILON, max(measured, DISPERSION))
        cells = [rung(find(counts, LONG, LEARN)) for find in RIVALS.values()]
        yield [name, *cells, f"{rung(told(counts, LONG, LEARN))} at {measured:.2f}"]


def rung(rings: Rings) -> str:
    """The share of runs that ring with its 95 % interval, and rings a run."""
    ringing = rings.any(axis=1)
    low, high = exact_interval(int(ringing.sum()), len(ringing)) or (0.0, 1.0)
    return f"{ringing.mean():.0%} [{100 * low:.0f}, {100 * high:.0f}] ({rings.sum(axis=1).mean():.1f})"


def dispersion_of(counts: Counts) -> float:
    """Measured over all runs, as over a fleet's sites."""
    noise = variance(1 / EPSILON)
    each = (spread_of([Counted(int(count), K, noise) for count in stream]) for stream in counts)
    return sum(each, Spread()).dispersion or DISPERSION


def spent(runs: int, seed: int) -> Iterator[list[str]]:
    """What more epsilon on the count buys: the mean studies until each change is found, and their mean."""
    scenes = (SCENES[0], SCENES[2], SCENES[3])
    for epsilon in (0.25, 0.5, 1.0, 2.0):
        find = detector(UNKNOWN_VOLUME, epsilon)
        means = []
        for scene in scenes:
            counts = drawn(flagged_each(scene.failing), runs, seed, epsilon)
            found = delays(find(counts, scene.change, scene.change), scene.change)
            means.append(float(np.where(np.isfinite(found), found, MOST * K).mean()))
        yield [f"{epsilon:g}", *(f"{mean:.0f}" for mean in (*means, float(np.mean(means))))]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(runs: int, seed: int) -> str:
    """The whole page."""
    parts = [
        f"<!-- Written by `python -m benchmarks.detection --runs {runs} --seed {seed}`. -->",
        "# Detection, measured",
        "Pulses of 20, epsilon 1, scorer of sensitivity .76 and 20 % false positives, threshold 250.",
        "## Studies until a change is found: mean / nine of ten",
        table(["change", *RIVALS], list(found_when(runs, seed))),
        "## A stable site over 10,000 studies: share of runs that ring [95 % interval] (rings a run)",
        STABLE_SITES,
        table(["site", *RIVALS, "the detector at the measured dispersion"], list(rung_falsely(runs, seed))),
        f"## In the hospital: 18 to 40 % failing after 4000 studies, {detection_hospital.WEEKLY} a week",
        "Studies until the change is found, with 95 % intervals that draw bundles and baselines anew.",
        table(
            ["AUROC of the scorer", "its densities", "mean", "nine of ten"],
            list(detection_hospital.rows(seed)),
        ),
        "## What epsilon buys: mean studies until a change is found",
        table(
            ["epsilon of the count", *(SCENES[each].name for each in (0, 2, 3)), "all three"],
            list(spent(runs, seed)),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Measure, write the page, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=13)
    told = parser.parse_args()
    text = page(told.runs, told.seed)
    (HERE / "detection.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
