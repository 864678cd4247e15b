"""`python -m deploy.dashboards` writes each dashboard as JSON beside this file."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.federation import federation
from deploy.dashboards.site import site

HERE = Path(__file__).parent


def rendered() -> dict[str, str]:
    """Each dashboard's JSON, by file name."""
    boards = {"federation.json": federation(), "site.json": site()}
    return {
        name: json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, made in boards.items()
    }


def main() -> None:
    """Write them."""
    for name, text in rendered().items():
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
