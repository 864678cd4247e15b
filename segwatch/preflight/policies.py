"""The site's policy, and the site's name: what may leave, and as whom."""

import re
from collections.abc import Mapping
from pathlib import Path

from segwatch.aggregation.mechanism.policy import policy_of, study_bound
from segwatch.errors import BadInput
from segwatch.preflight.findings import Finding, fault, ok, unused
from segwatch.preflight.settings_files import Environment

SITE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""It is part of a topic's name and a principal's, in Kubernetes too (RFC 1123 label)."""
PLACEHOLDERS = frozenset({"set by the overlay", "local"})
SAFE = "start from deploy/policy/default.yaml, with your data protection officer"


def policy(settings: Environment) -> Finding:
    """The policy that aggregation's settings name."""
    if "POLICY" not in settings:
        return fault("policy", "SEGWATCH_POLICY is not set: nothing may leave without one", SAFE)
    path = Path(settings["POLICY"])
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return fault("policy", f"there is no file {path}", SAFE)
    found = policy_text(text, str(path))
    if found.state == "ok" and "DEMO_NOISE_SEED" in settings:
        return fault(
            "policy",
            "SEGWATCH_DEMO_NOISE_SEED: anybody can draw this noise again",
            "take it out of the settings",
        )
    return found


def policy_text(text: str, called: str) -> Finding:
    """A policy's text: refused where it is looser than segwatch accepts."""
    try:
        read = policy_of(text, called)
    except BadInput as error:
        return fault("policy", str(error), f"keep to the bounds (docs/privacy.md); {SAFE}")
    return ok("policy", f"{called}: version {read.version}, a study loses {study_bound(read):g} at most")


def site(names: Mapping[str, str | None], centre: str | None = None) -> Finding:
    """Whether the site has one name everywhere, and the one that the centre knows.

    Args:
        names: by where the name stands.
        centre: the name in the certificate that the centre gave.
    """
    given = {where: name for where, name in names.items() if name}
    if not given:
        return fault(
            "site", "no settings name the site", "set SEGWATCH_SITE to the name that the centre knows"
        )
    if len(set(given.values())) > 1:
        listed = ", ".join(f"{name} ({where})" for where, name in given.items())
        return fault(
            "site", f"the site has several names: {listed}", "give it one, that which the centre knows"
        )
    name = next(iter(given.values()))
    if name in PLACEHOLDERS or not SITE.fullmatch(name):
        return fault(
            "site", f"{name!r} is no site's name", "lower-case letters, digits and dashes, as at the centre"
        )
    if centre is not None and centre != name:
        return fault(
            "site",
            f"the site is {name}, and the centre's certificate says {centre}",
            f"set SEGWATCH_SITE={centre}",
        )
    return ok("site", f"{name}" + ("" if centre is None else ", as in the centre's certificate"))


def needs_policy(settings: Environment) -> bool:
    """Whether a service's settings are aggregation's."""
    return "POLICY" in settings or "AUDIT_LOG" in settings


def no_policy() -> Finding:
    """No settings are aggregation's."""
    return unused("policy", "no settings of aggregation (AUDIT_LOG, POLICY) were given")
