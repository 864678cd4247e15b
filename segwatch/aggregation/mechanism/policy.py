"""The site's privacy policy: read from its file, which is refused where unclear or too loose; its cost."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.contracts.envelope import describe
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.yaml_fields import fields_of
from segwatch.errors import BadInput, in_one_line


def read_policy(path: Path) -> SitePolicy:
    """The policy in a YAML file.

    Raises:
        BadInput: the file is missing, is no mapping, names a field twice or one that nobody knows, or
            is looser than segwatch accepts. The message names the file, the fields and the bounds.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the privacy policy {path} cannot be read ({type(error).__name__}): nothing may leave"
            " without one; deploy/policy/default.yaml is a safe start"
        ) from None
    return policy_of(text, f"the privacy policy {path}")


def policy_of(text: str, named: str) -> SitePolicy:
    """The policy in a YAML text; `named` says in messages where the text is from.

    Raises:
        BadInput: as `read_policy`.
    """
    try:
        fields = fields_of(text)
        policy = SitePolicy.model_validate_json(json.dumps(fields, default=str))
    except yaml.YAMLError as error:
        raise BadInput(f"{named} is not YAML: {in_one_line(error, 500)}") from None
    except ValidationError as error:
        raise BadInput(f"{named} is refused: {describe(error)}") from None
    _check_means(named, policy)
    return policy


def differences(old: SitePolicy, new: SitePolicy) -> str:
    """What a change of policy changes, field by field, for the log.

    Examples:
        >>> differences(SitePolicy(version="1"), SitePolicy(version="2", epsilon_count=0.5))
        'version 1 -> 2, epsilon_count 1.0 -> 0.5'
    """
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    changed = [name for name in SitePolicy.model_fields if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)} -> {after.get(name)}" for name in changed)


def study_bound(policy: SitePolicy) -> float:
    """What one study can lose in all its life under a policy."""
    return sum(parts_of(policy).values())


def parts_of(policy: SitePolicy) -> Mapping[str, float]:
    """What a study can lose in all its life, by figure: each is drawn once."""
    parts = {"the count": policy.epsilon_count, "the histogram": policy.epsilon_histogram}
    return parts | ({"the means": policy.epsilon_means} if policy.means_of else {})


def _check_means(named: str, policy: SitePolicy) -> None:
    unknown = [name for name in policy.means_of if name not in BOUNDS]
    if unknown:
        raise BadInput(
            f"{named} is refused: means_of names {', '.join(unknown)}, for which there are"
            f" no public bounds; there are for {', '.join(BOUNDS)}"
        )
