"""`segwatch privacy audit`: whether the release path keeps the policy's promise, seen from outside.

Two worlds differ in one study. A stranger sees everything that is released in both and bets on which world it
is. However cleverly, the odds may not become better than exp(epsilon) to 1, and the audit says how good they
were. All tests together call a sound release path unsound with at most the chance that is asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.aggregation.mechanism.figures import even_share
from segwatch.aggregation.mechanism.noise import Noise, draw
from segwatch.aggregation.mechanism.policy import study_bound
from segwatch.aggregation.trial.loss import Fit, Loss, fit_of, loss_of
from segwatch.aggregation.trial.trials import Around, ForgetfulLog, Run, run_trials
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.quality import COUNT_SENSITIVITY, HISTOGRAM_SENSITIVITY

COPIES = 4
"""How often each block is sent."""
LIFETIME = "a study's lifetime"
CONFIDENT = 0.66
"""The stranger bets where the odds are this share of what they can be at most, on a logarithmic scale. Rarer
events are nearer to the loss, and need more trials to show it."""


@dataclass(frozen=True)
class Audit:
    """The outcome.

    Attributes:
        losses: of each figure, and of a study's whole lifetime.
        fits: of each figure's noise to the exact mass.
        unequal: blocks whose copies differ.
        chance: the probability that a sound release path fails here.
    """

    losses: tuple[Loss, ...]
    fits: tuple[Fit, ...]
    unequal: int
    chance: float

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the promise."""
        losses, fits = (each.holds for each in self.losses), (each.holds for each in self.fits)
        return not self.unequal and all(losses) and all(fits)


def audit(
    policy: SitePolicy,
    trials: int,
    *,
    chance: float = 1e-6,
    noise: Noise = draw,
    around: Around = lambda path: ForgetfulLog(path, COPIES),
    progress: Callable[[int], None] = lambda _trials: None,
) -> Audit:
    """Run the trials of both worlds and judge them.

    Args:
        policy: the site's.
        trials: in each world.
        chance: with which a sound release path may fail.
        noise, around: the service's noise and log; others only to see that a planted fault is found.
        progress: told of trials that are done.
    """
    good, bad = (
        run_trials(policy, trials, bad=world, noise=noise, around=around, progress=progress)
        for world in (False, True)
    )
    figures = _promises(policy)
    each = chance / (2 * (len(figures) + 1) + len(figures))
    return Audit(
        tuple(_losses(policy, good, bad, trials, each)),
        tuple(fit_of(name, scale, _noise(name, (good, bad)), each) for name, (_, scale) in figures.items()),
        good.unequal + bad.unequal,
        chance,
    )


def _promises(policy: SitePolicy) -> dict[str, tuple[float, float]]:
    """Epsilon and scale of each figure, by name."""
    promises = {
        "count": (policy.epsilon_count, COUNT_SENSITIVITY / policy.epsilon_count),
        "histogram": (policy.epsilon_histogram, HISTOGRAM_SENSITIVITY / policy.epsilon_histogram),
    }
    for feature in policy.means_of:
        epsilon = even_share(policy.epsilon_means, len(policy.means_of))
        promises[feature] = (epsilon, BOUNDS[feature].steps / epsilon)
    return promises


def _losses(policy: SitePolicy, good: Run, bad: Run, trials: int, chance: float) -> Iterator[Loss]:
    scales = {name: scale for name, (_, scale) in _promises(policy).items()}
    promised = {name: epsilon for name, (epsilon, _) in _promises(policy).items()}
    promised[LIFETIME] = study_bound(policy)
    for world, own, neighbour in (("bad", bad, good), ("good", good, bad)):
        likely = [_odds(own, trial, own, neighbour, scales) for trial in range(trials)]
        unlikely = [_odds(neighbour, trial, own, neighbour, scales) for trial in range(trials)]
        for name, epsilon in promised.items():
            enough = CONFIDENT * epsilon
            hits = (
                sum(odds[name] >= enough for odds in likely),
                sum(odds[name] >= enough for odds in unlikely),
            )
            yield loss_of(f"{name}, {world}", epsilon, hits, trials, chance)


def _odds(run: Run, trial: int, own: Run, neighbour: Run, scales: Mapping[str, float]) -> dict[str, float]:
    """For each figure, and for all together: the logarithm of how much likelier what `run` released is in the
    world `own` than in its neighbour, by the exact mass of the noise.
    """
    odds = {
        name: sum(
            (abs(value - there) - abs(value - here)) / scales[name]
            for value, here, there in zip(
                run.seen[trial, kind, 0][name], exact, neighbour.exact[kind, 0][name], strict=True
            )
        )
        for kind in ("pulse", "portrait")
        for name, exact in own.exact[kind, 0].items()
    }
    return odds | {LIFETIME: sum(odds.values())}


def _noise(name: str, runs: Sequence[Run]) -> list[float]:
    """The noise that was seen on a figure, in all blocks of all runs."""
    return [
        value - exact
        for run in runs
        for (_, kind, place), figures in run.seen.items()
        if name in figures
        for value, exact in zip(figures[name], run.exact[kind, place][name], strict=True)
    ]
