"""`python -m deploy.audit`: pins, licences, known vulnerabilities, bills of materials.

Ends with 0 where all is well, 1 where there is a finding, 3 where there is none but nobody could be asked
about vulnerabilities: that is no clean bill.
"""

import sys
from pathlib import Path

from deploy.audit.advisories import Answers, advisories_of
from deploy.audit.licences import findings, installed, not_here
from deploy.audit.pins import disagreements, problems, read_pins
from deploy.audit.sbom import write_sbom
from deploy.local.machine.folders import BUILD, ROOT

REQUIREMENTS = ROOT / "requirements"
EVERYTHING = REQUIREMENTS / "all.txt"
BUILDER = REQUIREMENTS / "build.txt"
SBOMS = BUILD / "sbom"
FINDING, NOT_ASKED = 1, 3


def main() -> int:
    """Look at everything, say what was found, and write the bills of materials."""
    services = sorted(ROOT.glob("services/*/requirements.txt"))
    bad = _pins(services) + _licences()
    asked = advisories_of(EVERYTHING)
    bad += asked.vulnerable
    for service in services:
        _say(f"bill of materials: {write_sbom(service.parent.name, SBOMS).relative_to(ROOT)}")
    _say_advisories(asked)
    for each in bad:
        _say(f"FINDING  {each}")
    if bad:
        return FINDING
    return NOT_ASKED if asked.failed or asked.unasked else 0


def _pins(services: list[Path]) -> list[str]:
    files = [*services, EVERYTHING, BUILDER]
    bad = [each for file in files for each in problems(file)]
    if not bad:
        bad = [each for file in services for each in disagreements(file, EVERYTHING)]
        _say(f"pins: {sum(len(read_pins(file)) for file in files)} in {len(files)} files")
    return bad


def _licences() -> list[str]:
    pins, here = read_pins(EVERYTHING), installed()
    absent = not_here(pins, here)
    _say(f"licences: {len(pins) - len(absent)} of {len(pins)} packages looked at")
    if absent:
        _say(f"licences: not installed on this machine, so not looked at: {', '.join(absent)}")
    return findings(pins, here)


def _say_advisories(asked: Answers) -> None:
    if asked.failed:
        _say(f"vulnerabilities: NOT ASKED, the advisories could not be reached: {asked.failed}")
    elif asked.unasked:
        names = ", ".join(asked.unasked[:5]) + (" …" if len(asked.unasked) > 5 else "")
        _say(
            f"vulnerabilities: NOT ASKED about {len(asked.unasked)} packages ({names}): no advisories can be"
            " reached from this machine. Run `make audit` again where they can"
        )
    if asked.clean:
        _say(f"vulnerabilities: nothing known of {asked.clean} packages")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
