"""Whether figures are such as a policy lets out. Nothing else leaves, whoever wrote it into the ledger."""

from segwatch.aggregation.mechanism.figures import EARLIEST, coarse, coarsened
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Portrait, Pulse


def lets_out(policy: SitePolicy, figures: Pulse | Portrait) -> bool:
    """Whether a block closed under the policy can have these figures, as far as that can be told from them.

    The noise cannot be: any number could have been drawn.
    """
    if figures.policy_version != policy.version:
        return False
    if (figures.model is not None and not policy.name_model) or (
        figures.scorer is not None and not policy.name_scorer
    ):
        return False
    if figures.closed != coarsened(figures.closed, policy) or figures.closed < coarse(EARLIEST, policy):
        return False
    if isinstance(figures, Pulse):
        return (
            figures.k == policy.pulse_studies
            and figures.epsilon == policy.epsilon_count
            and figures.epsilon_unscored in (None, policy.epsilon_unscored)
        )
    return _portrait(policy, figures)


def _portrait(policy: SitePolicy, figures: Portrait) -> bool:
    features = [mean.feature for mean in figures.means]
    epsilon = policy.epsilon_histogram + (policy.epsilon_means if features else 0.0)
    return (
        figures.k == policy.portrait_studies
        and figures.epsilon_histogram == policy.epsilon_histogram
        and figures.epsilon == epsilon
        and len(set(features)) == len(features)
        and set(features) <= set(policy.means_of)
    )
