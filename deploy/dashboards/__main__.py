"""`python -m deploy.dashboards` writes each dashboard as JSON beside this file."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.federation import federation
from deploy.dashboards.federation_site import federation_site
from deploy.dashboards.pipeline import pipeline
from deploy.dashboards.privacy import privacy
from deploy.dashboards.site import site
from deploy.dashboards.strata import strata

HERE = Path(__file__).parent
BOARDS = (federation, federation_site, site, pipeline, strata, privacy)


def rendered() -> dict[str, str]:
    """Each dashboard's JSON, by file name."""
    return {
        f"{made.__name__}.json": json.dumps(made().build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for made in BOARDS
    }


def main() -> None:
    """Write them."""
    for name, text in rendered().items():
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
