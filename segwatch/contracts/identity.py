"""Names of results: deterministic, so that whoever reads a second copy recognises it.

A result's id is a hash of the stage, the id of the result it was made from, and the digest of the model
and settings that made it. Two segmenters' or two scorers' results therefore never collide.
"""

import hashlib
import hmac
import json
from typing import Any

ID_LENGTH = 32


def result_id(stage: str, made_from: str, digest: str) -> str:
    """The id of what `stage` makes from the result `made_from` with the model and settings `digest`.

    Examples:
        >>> result_id("scoring", "ab", "v1") == result_id("scoring", "ab", "v1")
        True
        >>> result_id("scoring", "ab", "v1") == result_id("scoring", "ab", "v2")
        False
    """
    return digest_of([stage, made_from, digest])[:ID_LENGTH]


def digest_of(value: Any) -> str:  # noqa: ANN401 - anything that JSON can carry
    """The sha256 of a JSON value, written canonically (sorted keys, no spaces)."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def pseudonym(secret: bytes, kind: str, identifier: str) -> str:
    """A keyed hash (HMAC-SHA256, 128 bits kept) that stands for a study or a patient in this hospital.

    Raises:
        ValueError: the secret is shorter than 16 bytes, so that identifiers could be guessed.
    """
    if len(secret) < 16:
        raise ValueError("the pseudonym secret must have at least 16 bytes")
    return hmac.new(secret, f"{kind}\0{identifier}".encode(), hashlib.sha256).hexdigest()[:ID_LENGTH]
