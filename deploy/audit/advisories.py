"""Known vulnerabilities of the pinned packages, by pip-audit and the registry's advisories.

"Nothing is known" and "nobody could be asked" are different answers, and pip-audit says both by exit code 0:
a package that it could not ask about is a finding here.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ASK_SECONDS = 300


@dataclass
class Answers:
    """What came of asking.

    Attributes:
        clean: packages of which nothing is known.
        vulnerable: advisories, in words.
        unasked: packages of which nothing could be learnt.
        failed: why nobody could be asked at all.
    """

    clean: int = 0
    vulnerable: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    failed: str | None = None


def advisories_of(requirements: Path) -> Answers:
    """Ask about every pin of a file; no package is downloaded."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements)]
    command += ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Answers(failed=f"no answer within {ASK_SECONDS} s")
    try:
        return understood(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.strip().splitlines() or ["pip-audit said nothing"]
        return Answers(failed=lines[-1][:300])


def understood(answer: dict[str, list[dict[str, object]]]) -> Answers:
    """pip-audit's JSON as an answer."""
    asked = Answers()
    for package in answer["dependencies"]:
        name = str(package["name"])
        if "skip_reason" in package:
            asked.unasked.append(name)
            continue
        known = package["vulns"]
        assert isinstance(known, list)
        asked.clean += not known
        for advisory in known:
            fixed = ", ".join(advisory["fix_versions"]) or "no fixed version"
            asked.vulnerable.append(f"{name}=={package['version']}: {advisory['id']} (fixed in: {fixed})")
    return asked
