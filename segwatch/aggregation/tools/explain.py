"""`segwatch privacy explain`: what leaves under a policy, in plain words, with a real example."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from segwatch.aggregation.mechanism.policy import parts_of
from segwatch.aggregation.tools.example import example_records
from segwatch.aggregation.tools.explain_words import HEADER_WORDS, WORDS
from segwatch.contracts.base import LEAVES
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.quality import COUNT_SENSITIVITY, HISTOGRAM_SENSITIVITY
from segwatch.contracts.release import SiteRelease
from segwatch.contracts.schemas import schema_of
from segwatch.statistics.laplace import reach
from segwatch.streaming.log import Outgoing


def explain(policy: SitePolicy) -> str:
    """The whole explanation, as text for people.

    The fields come from the schema of what leaves, and the examples from the code that releases, so that
    neither can say less than what happens.
    """
    records = example_records(policy)
    fields = leaving_fields()
    lines = [f"Privacy policy {policy.version}: what leaves this hospital, and nothing else does.", ""]
    for kind, often in _how_often(policy).items():
        lines += [f"{kind.upper()}: {often}", ""]
        lines += _record(kind, records[kind], fields)
        lines.append("")
    return "\n".join([*lines, *_budget(policy), "", *_limits(policy)])


def leaving_fields() -> dict[str, list[str]]:
    """The fields that the schema lets leave, by kind of record."""
    definitions = schema_of(SiteRelease, "release")["$defs"]
    names = {
        "pulse": "Pulse",
        "portrait": "Portrait",
        "heartbeat": "Heartbeat",
        "mean": "NoisedMean",
    }
    return {
        kind: [field for field, about in definitions[name]["properties"].items() if about[LEAVES]]
        for kind, name in names.items()
    }


def _how_often(policy: SitePolicy) -> dict[str, str]:
    seconds = policy.heartbeat_seconds
    return {
        "pulse": f"one after every {policy.pulse_studies} studies",
        "portrait": f"one after every {policy.portrait_studies} studies",
        "heartbeat": f"one every {seconds} seconds, whatever happens; it depends on no study",
    }


def _record(kind: str, record: Outgoing, fields: Mapping[str, list[str]]) -> Iterator[str]:
    data = json.loads(record.value or b"{}")
    for field in fields[kind]:
        value = data.get(field)
        if field == "means" and value:
            yield from _said(kind, field, f"{len(value)}, such as")
            for inner in fields["mean"]:
                yield from _said("mean", inner, value[0][inner], indent="      ")
        else:
            yield from _said(kind, field, value)
    stamp = datetime.fromtimestamp((record.timestamp_ms or 0) / 1000, UTC)
    yield "  Around the record:"
    yield f"    key = {(record.key or b'').decode()}: kind, epoch and number"
    yield f"    time stamp = {stamp:%Y-%m-%d %H:%M:%S} UTC: {HEADER_WORDS['ce_time']}"
    for name, text in record.headers:
        yield f"    {name} = {text.decode()}: {HEADER_WORDS[name]}"
    yield f"  And so the whole of it leaves: {(record.value or b'').decode()}"


def _said(kind: str, field: str, value: Any, indent: str = "  ") -> Iterator[str]:  # noqa: ANN401 - any JSON
    what, protected = WORDS.get(f"{kind}.{field}") or WORDS[field]
    shown = "(left out)" if value is None or value == [] else _shown(value)
    yield f"{indent}{field} = {shown}"
    yield f"{indent}    {what}; {protected}"


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) else json.dumps(value)


def _budget(policy: SitePolicy) -> Iterator[str]:
    parts = parts_of(policy)
    total = sum(parts.values())
    most = policy.studies_per_patient
    yield "THE BUDGET: differential privacy, integer-exact discrete Laplace noise (OpenDP)"
    yield f"  noise on the count: {_noise(COUNT_SENSITIVITY / policy.epsilon_count)}"
    yield f"  noise on each cell of the histogram: {_noise(HISTOGRAM_SENSITIVITY / policy.epsilon_histogram)}"
    spent = " + ".join(f"{epsilon:g} for {what}" for what, epsilon in parts.items())
    yield f"  One study, in all its life: {spent} = {total:g}."
    yield f"  One patient: {total:g} for each counted study, {most} at most: {most * total:g}."
    yield "  A patient's further studies keep their place with a value that does not depend on them."
    if policy.epsilon_unscored is not None:
        yield (
            f"  One examination that got no score: {policy.epsilon_unscored:g}, each time that it is refused"
            f" or given up (noise: {_noise(COUNT_SENSITIVITY / policy.epsilon_unscored)}). Nobody knows whose"
            " it is, so no limit holds for a patient. Mended and counted later, it spends a study's too."
        )
    yield (
        "  In words: whatever somebody holds likely about one study's result, all that ever leaves changes"
        f" the odds by a factor of {math.exp(total):.3g} at most (e to the {total:g})."
    )
    yield "  `segwatch privacy budget` says what studies and patients have lost so far."


def _noise(scale: float) -> str:
    """How strong noise is, for people: the range that 19 of 20 draws stay within, by the exact mass."""
    return f"scale {scale:g}, off by {reach(0.05, scale)} or less 19 times in 20"


def _limits(policy: SitePolicy) -> Iterator[str]:
    yield "WHAT NEVER LEAVES: images, masks, names, birth dates, pseudonyms, file names, one study's figures."
    yield "WHAT LEAVES AND IS NOT PROTECTED BY NOISE:"
    yield "  how many studies the site has had; when a block was full, to whoever watches it come;"
    yield "  that a scanner, model or scorer has changed, as a bare number;"
    yield f"  the {policy.dates} of a block's last study; that the site is alive; the policy's version;"
    named = [what for what, yes in (("model", policy.name_model), ("scorer", policy.name_scorer)) if yes]
    yield f"  the name and hash of: {' and '.join(named) if named else 'nothing (the policy names neither)'}."
    yield "EVERY BLOCK THAT LEFT is in the audit log; `segwatch privacy verify` checks it."
