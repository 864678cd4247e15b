"""Helm itself, where it was built."""

import subprocess

import kubernetes_validate
import pytest

from deploy.local.machine import binaries


def helm(*words: str) -> str:
    """What helm says; skips loudly where it is not."""
    program = binaries.find(binaries.HELM)
    if program is None:
        pytest.skip(
            "NO HELM, so nobody has tried the chart: run `make helm` (built by Go, once, into .build/bin),"
            " then `make test-helm`"
        )
    # One that Go has built by itself believes in Kubernetes 1.20.
    version = kubernetes_validate.latest_version()
    command = [str(program), *words, "--kube-version", version]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
