"""Every image runs as a hospital runs it, is small, and needs no compiler for its first study."""

import re

import pytest

from tests.images.conftest import image_of, podman
from tests.support.service_settings import SERVICES

pytestmark = pytest.mark.image
LARGEST_MB = {"features": 400, "scoring": 400}
FIRST_STUDY = """
import time
from services.{service}.compiling import compile_all  # numba makes its folder at the imports, as in a service
from segwatch.compiled_code import lay_out
lay_out()
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, happened): compiled.append(happened)
    def on_end(self, happened): pass
event.register("numba:compile", Listener())
began = time.perf_counter()
compile_all()
print("compiled", len(compiled), "in", round(time.perf_counter() - began, 2), "s")
"""


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_lives_as_nobody_on_a_root_that_cannot_be_written_and_ends_when_asked(service, started):
    running = started(service)

    alive = running.until(lambda: running.answers("/livez"))
    status = running.call("cat", "/proc/1/status").stdout
    ended = running.stop()

    print(f"{service}: alive after {alive:.1f} s, ended in {ended:.1f} s")
    assert re.search(r"^Uid:\t10001\t10001", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    assert running.state()["ExitCode"] == 0


@pytest.mark.parametrize("service", ["scoring", "aggregation"])
def test_another_uid_does_as_well(service, started):
    """Of an NFS export that knows its own users only."""
    running = started(service, uid=20001)

    running.until(lambda: running.answers("/readyz"))


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_but_tmp_can_be_written(service, started):
    running = started(service)

    for folder in ("/", "/opt/segwatch", "/app", "/etc"):
        assert running.call("touch", f"{folder}/it").returncode != 0, folder


@pytest.mark.parametrize("service", LARGEST_MB)
def test_an_image_is_as_small_as_its_page_says(service, program):
    name = image_of(program, service)
    size = int(podman(program, "image", "inspect", "--format={{.Size}}", name).stdout)

    print(f"{service}: {size / 1e6:.0f} MB")
    assert size < LARGEST_MB[service] * 1e6


@pytest.mark.parametrize("service", ["features", "ingest", "segmentation"])
def test_the_first_study_waits_for_no_compiler(service, program):
    words = [
        "run",
        "--rm",
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp:rw,mode=1777",
        "--entrypoint=python",
    ]
    done = podman(program, *words, image_of(program, service), "-c", FIRST_STUDY.format(service=service))

    print(service, done.stdout)
    assert done.stdout.startswith("compiled 0 "), done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_its_bill_of_materials(service, program):
    words = ["run", "--rm", "--network=none", "--entrypoint=cat", image_of(program, service)]

    assert '"CycloneDX"' in podman(program, *words, "/opt/segwatch/sbom.cdx.json").stdout


def test_the_keepers_image_has_what_makes_certificates(program):
    words = ["run", "--rm", "--network=none", "--entrypoint=openssl", image_of(program, "ingest")]

    assert podman(program, *words, "version").stdout.startswith("OpenSSL 3")
