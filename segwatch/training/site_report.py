"""What the reviews of a site say, in words: printed by `segwatch calibrate`, and in the bundle's card."""

from collections.abc import Iterator

from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.reviewed import NOT_SHOWN, Adaptation, FlagStratum, ReviewedShare, SiteReviews


def site_lines(manifest: ScorerManifest) -> list[str]:
    """A line for each thing that is known of the site, and for each that is not. Empty without reviews."""
    site = manifest.site
    return [] if site is None else [*_reviews(site), _rate(site), _raw(site), *_threshold(manifest, site)]


def site_card(manifest: ScorerManifest, fleet: str) -> str:
    """The card of a scorer that reviews changed at a site: what changed, then the fleet's card as it was.

    Raises:
        ValueError: nothing was changed.
    """
    changed = manifest.changed_for_a_site
    if changed is None:
        raise ValueError(f"{manifest.name} is not a site's")
    lines = [*_adaptation(manifest), *site_lines(manifest)]
    if manifest.site is None:
        lines.append("The threshold is the fleet's failure probability; its sensitivity here is not known.")
    lines.append("What it says of good masks and of truths was not tried anew: whether it is fit is unknown.")
    listed = "\n".join(f"- {line}" for line in lines)
    return f"""# {manifest.name}

The fleet's scorer `{changed.fleet_sha256}`, adapted to a site by {changed.studies} reviewed
studies of {changed.patients} patients (sha256 `{changed.reviews_sha256}`).

{listed}

What follows is the fleet's card.

{fleet}"""


def _reviews(site: SiteReviews) -> Iterator[str]:
    total = site.flagged.studies + site.passed.studies
    yield (
        f"Reviewed: {site.studies} of {total} studies, {site.patients} patients, {site.failed} failed; "
        f"{site.with_dice} with their Dice; evaluated on {site.reviewed_on}."
    )


def _rate(site: SiteReviews) -> str:
    sides = f"{_side('flagged', site.flagged)}; {_side('not flagged', site.passed)}"
    if site.failure_rate is None:
        return f"Failure rate here: unknown, since one side of the flag was not reviewed ({sides})."
    return f"Failure rate here: {_share(site.failure_rate)}, post-stratified by flag ({sides})."


def _raw(site: SiteReviews) -> str:
    total = site.flagged.studies + site.passed.studies
    return (
        f"Flagged share here, raw: {site.flagged.studies / total:.2f} ({site.flagged.studies} of {total}). "
        "It is what the fleet's scorer flags, not how many fail."
    )


def _threshold(manifest: ScorerManifest, site: SiteReviews) -> Iterator[str]:
    before, now = site.fleet_threshold.failure_probability, manifest.threshold.failure_probability
    if site.threshold_is_from_here:
        yield f"Flagged from a failure probability of {now:.3f} on, by these reviews (fleet's: {before:.3f})."
        how = "on patients left out"
    else:
        yield (
            f"Flagged from the fleet's failure probability of {now:.3f} on: the reviews choose none, since "
            "failed and good masks with all features must be among them."
        )
        how = "of the reviews"
    for name, share in (("Sensitivity", site.sensitivity), ("Specificity", site.specificity)):
        if share is None:
            yield f"{name} here: unknown, no review says {'failed' if name == 'Sensitivity' else 'good'}."
        else:
            yield f"{name} here, {how}: {_share(share)} ({share.found} of {share.n})."


def _adaptation(manifest: ScorerManifest) -> Iterator[str]:
    adaptation, interval = manifest.adaptation, manifest.interval
    if adaptation is None:
        return
    yield f"Predicted Dice: {adaptation.offset:+.3f} + {adaptation.scale:.3f} times the fleet's."
    yield (
        f"Mean absolute error on patients left out: {adaptation.mae_before:.3f} before, "
        f"{adaptation.mae_after:.3f} after; gain at least {adaptation.gain_low:.3f} (5 % chance of less)."
    )
    yield f"The reviews' mean for every study: {adaptation.mae_constant:.3f}, {_rival(adaptation)}"
    yield f"Its interval is {interval.low:+.3f} to {interval.high:+.3f}."
    yield f"It knows studies up to a distance of {manifest.outside.bound:.2f}."


def _rival(adaptation: Adaptation) -> str:
    if adaptation.ranking_shown:
        return f"which is surely beaten, by {adaptation.gain_on_constant_low:.3f} or more."
    return f"which this does not surely beat: {NOT_SHOWN}"


def _share(share: ReviewedShare) -> str:
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _side(name: str, part: FlagStratum) -> str:
    return f"{name} {part.studies}, of {part.reviewed} reviewed {part.failed} failed"
