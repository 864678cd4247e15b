"""The bill of materials of each service (CycloneDX 1.6, JSON), from the pins that its image installs.

Each image also carries its own, made from what is really installed in it: `/opt/segwatch/sbom.cdx.json`.
"""

import subprocess
import sys
from pathlib import Path

from deploy.local.machine.folders import ROOT


def write_sbom(service: str, folder: Path) -> Path:
    """Write one service's bill of materials; the same pins give the same bytes.

    Raises:
        RuntimeError: the tool refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{service}.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", f"services/{service}/requirements.txt"]
    command += ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-format", "JSON"]
    done = subprocess.run(
        [*command, "--output-file", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"no bill of materials for {service}: {done.stderr.strip()[-500:]}")
    return out
