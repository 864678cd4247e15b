"""The manifests as Kubernetes would be given them."""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
Manifest = dict[str, Any]


@cache
def _rendered(overlay: str) -> list[Manifest]:
    command = ["kubectl", "kustomize", str(ROOT / "k8s" / "overlays" / overlay)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(yaml.safe_load_all(text))


@pytest.fixture
def rendered() -> Callable[[str], list[Manifest]]:
    """The manifests of an overlay."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine, so the manifests cannot be rendered")
    return _rendered


@pytest.fixture
def crd_schemas() -> Path:
    """JSON Schemas of the custom resources; they are no part of the repository."""
    folder = ROOT.parent / "shared" / "k8s" / "crd-schemas"
    if not folder.is_dir():
        pytest.skip(f"there are no schemas of custom resources in {folder}")
    return folder


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT
