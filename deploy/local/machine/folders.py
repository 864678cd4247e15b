"""Where the local stack finds and keeps things, inside the repository's folder."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / ".build"
"""What `make setup` fetched: jars, Prometheus, Alertmanager. May be deleted; it is fetched again."""
RUNS = Path(os.environ.get("RUN_FOLDER", ROOT / ".run"))
"""One folder a run: logs, stores, picture, summary. RUN_FOLDER puts them elsewhere."""
RULES = ROOT / "deploy" / "rules"
MODELS = ROOT / "deploy" / "models"
POLICIES = ROOT / "deploy" / "policy"
