"""What each field that leaves means, and how it is protected, for people who answer for patients' data."""

from collections.abc import Mapping

NOT_ABOUT_PATIENTS = "not about any patient"
DEPLOYMENT = "a fact about the installation; left out unless the policy names it"
WORDS: Mapping[str, tuple[str, str]] = {
    "kind": ("which of the three kinds of record it is", NOT_ABOUT_PATIENTS),
    "epoch": ("how often the site's ledger was begun anew", NOT_ABOUT_PATIENTS),
    "number": (
        "the block's number, from 0",
        "shows how many studies the site has had: that number is not protected",
    ),
    "heartbeat.number": ("the slot of the schedule, counted from 1970", NOT_ABOUT_PATIENTS),
    "k": ("how many studies the block holds", "fixed by the policy"),
    "heartbeat.k": ("that it holds no study", "always 0"),
    "epsilon": ("the privacy budget that the record spends", "fixed by the policy"),
    "heartbeat.epsilon": ("that it spends no privacy budget", "always 0"),
    "epsilon_histogram": ("the histogram's part of the budget", "fixed by the policy"),
    "policy_version": ("the name of the policy that the block was closed under", "chosen by the site"),
    "heartbeat.policy_version": ("the name of the policy file, with its schedule", "chosen by the site"),
    "closed": (
        "when the block's last study was received: the first day of that day, week or month",
        "only as exact as the policy says",
    ),
    "model": ("the lesion model that most studies of the block have", DEPLOYMENT),
    "scorer": ("the scorer that most studies of the block have", DEPLOYMENT),
    "needs_attention": (
        "how many of the k studies were predicted failed, undefined, or outside what the scorer knows",
        "random noise is added, drawn once; it may be below 0 or above k",
    ),
    "changes": (
        "how often a scanner, model or scorer changed in this epoch, as far as announced or seen",
        "a fact about the installation; a bare number, without a name",
    ),
    "unscored": (
        "how many examinations were refused, or given up, since the pulse before, so that they got no score",
        "random noise is added, drawn once; it may be below 0; left out unless the policy wants it told",
    ),
    "epsilon_unscored": (
        "the privacy budget that each of those examinations spends, once, and no other study",
        "fixed by the policy",
    ),
    "histogram": (
        "how many of the k studies fell into each of five bins of predicted Dice, undefined, and outside",
        "random noise is added to each cell, drawn once; cells may be below 0",
    ),
    "means": (
        "the mean over the block of each feature that the policy names",
        "each study's value is clipped to public bounds and rounded to steps, then random noise is added",
    ),
    "interval_seconds": ("how often a heartbeat is sent", "fixed by the policy"),
    "feature": ("which feature it is the mean of", "fixed by the policy"),
    "mean": ("the noised mean, in the feature's unit", "random noise is added, drawn once"),
    "low": ("the lower clip bound", "from public data, never from the site's"),
    "high": ("the upper clip bound", "from public data, never from the site's"),
    "noise_scale": ("how strong the noise on the mean is, in the feature's unit", "fixed by the policy"),
}
"""By the field's name; with the kind before it where it means something else there."""

HEADER_WORDS: Mapping[str, str] = {
    "content-type": "always the same",
    "ce_specversion": "always the same",
    "ce_type": "always the same",
    "ce_source": "always the same",
    "ce_datacontenttype": "always the same",
    "ce_id": "a hash of the site's name, the epoch, the kind and the number; of nothing else",
    "ce_time": "the first moment of the coarse date, or of the heartbeat's slot",
}
