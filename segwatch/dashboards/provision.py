"""Dashboards for a Grafana that reads them from files: the boards, and the provider that names their folder.

Format: https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from segwatch.dashboards.board import Board
from segwatch.files import write_whole

PROVIDER, FOLDER = "segwatch.yaml", "segwatch"
SECONDS = 30


def provider(path: PurePosixPath, uid: str, title: str) -> dict[str, Any]:
    """What Grafana's folder provisioning/dashboards needs; `path` is where it finds the boards."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "segwatch",
                "type": "file",
                "folder": title,
                "folderUid": uid,
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": SECONDS,
                "options": {"path": str(path)},
            }
        ],
    }


def provision(out: Path, boards: Sequence[Board], path: PurePosixPath, uid: str, title: str) -> list[Path]:
    """Write `segwatch.yaml`, which Grafana looks for, and the boards in a folder beside it; the files."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / f"{board.uid}.json": json.dumps(board.content, indent=2) + "\n" for board in boards}
    files[out / PROVIDER] = yaml.safe_dump(provider(path, uid, title), sort_keys=False)
    for file, text in files.items():
        write_whole(file, text)
    return list(files)
