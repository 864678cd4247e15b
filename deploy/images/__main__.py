"""`python -m deploy.images [SERVICE…]`: builds the images, and says how large each is and how long it took.

IMAGES=registry:5000/radiology VERSION=0.1.0 python -m deploy.images
"""

import argparse
import os
import sys
import time

from rich.console import Console

from deploy.images.base import bases
from deploy.images.engine import BUILDERS, RUNNERS, found, reference
from deploy.local.machine.folders import ROOT
from segwatch.errors import BadSettings, SegwatchError
from segwatch.terminal import new_console

SERVICES = ("federation", "features", "scoring", "aggregation", "ingest", "segmentation")
"""The smallest first: what is wrong in all shows soon."""


def main() -> int:
    """Build what was asked for; 1 where an image could not be built."""
    parser = argparse.ArgumentParser(prog="python -m deploy.images", description=__doc__)
    parser.add_argument("services", nargs="*", default=SERVICES, metavar="SERVICE", help=", ".join(SERVICES))
    asked = parser.parse_args()
    if unknown := set(asked.services) - set(SERVICES):
        parser.error(f"there is no service {', '.join(sorted(unknown))}: {', '.join(SERVICES)}")
    console = new_console()
    try:
        return _build(console, asked.services)
    except SegwatchError as error:
        console.print(str(error), soft_wrap=True)
        return 2


def _build(console: Console, services: list[str]) -> int:
    engine, runner = found(BUILDERS), found(RUNNERS)
    prefix, version = os.environ.get("IMAGES", "segwatch"), os.environ.get("VERSION", "0.1.0")
    given = bases(engine, runner, lambda line: console.print(line, soft_wrap=True))
    failed = 0
    for service in services:
        tag, began = reference(prefix, service, version), time.monotonic()
        try:
            engine.build(ROOT / "services" / service / "Dockerfile", ROOT, tag, given)
        except BadSettings as error:
            failed += 1
            console.print(str(error), soft_wrap=True, markup=False)
            continue
        size = engine.size(tag) or 0
        console.print(f"{tag}: {size / 1e6:.0f} MB, {time.monotonic() - began:.0f} s with {engine.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
