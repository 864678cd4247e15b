"""`python -m deploy.alerting CONTACTS FOLDER`: Alertmanager's configuration and linked rules.

For Kubernetes `python -m deploy.manifests` writes the same, from each overlay's own contacts.
"""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import read_contacts
from deploy.alerting.rules import linked, rule_file
from segwatch.errors import SegwatchError
from segwatch.files import write_whole
from segwatch.terminal import say

HEADER = "# Written by `python -m deploy.alerting`; change the contacts, not this file.\n"


def main(
    contacts: Annotated[Path, typer.Argument(help="The file of contacts (docs/alerting.md).")],
    folder: Annotated[
        Path, typer.Argument(help="Gets alertmanager.yaml, and with links centre.yaml and hospital.yaml.")
    ],
) -> None:
    """Write Alertmanager's configuration; where the contacts say what links begin with, the rules too."""
    try:
        told = read_contacts(contacts)
    except SegwatchError as error:
        say(f"segwatch: {error}", err=True)
        raise typer.Exit(2) from error
    folder.mkdir(parents=True, exist_ok=True)
    written = {"alertmanager": alertmanager(told)}
    if told.links is not None:
        for name in ("centre", "hospital"):
            written[name] = linked(rule_file(name), name, told.links)
    for name, content in written.items():
        path = folder / f"{name}.yaml"
        write_whole(path, HEADER + yaml.safe_dump(content, sort_keys=False, width=110))
        say(f"wrote {path}")


if __name__ == "__main__":
    typer.run(main)
