"""A hospital on such a machine: its settings, its studies, and what can be seen of its units."""

import json
import re
from dataclasses import dataclass
from typing import Any

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import COMMAND, CURRENT, DATA, HTTP_PORTS, Kind
from segwatch.contracts.topics import RECEIVED, SCORED
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.volumes.nifti import write_nifti
from tests.server.machine import Machine

HOSPITAL = {
    "SITE": "hospital-a",
    "PACS_NETWORK": "10.1.0.0/24",
    "CENTRE_KAFKA": "",
    "CT_UNIT": "auto",
    "DICOM_AE_TITLE": "SEGWATCH",
    "SENDERS_CA": "",
    "DEVICE": "cpu",
    "THREADS": "1",
    "LESION_MODEL": "",
    "LESION_MODEL_SHA256": "",
    "OPINION_MODEL": "",
    "OPINION_MODEL_SHA256": "",
    "LUNG_WEIGHTS": "",
    "LUNG_WEIGHTS_SHA256": "",
}
CENTRE = {"SITE": "central", "SITES": "hospital-a,hospital-b", "NAME": "centre.example", "WINDOW_PULSES": "3"}
SETTINGS = {"hospital": HOSPITAL, "centre": CENTRE}
TIMED = ("backup",)
SECONDS = 300.0
SHAPE = (16, 64, 64)
LOOK = """
import json, sys
from deploy.server.kafka import address
from segwatch.streaming.topic_reader import whole_topic
with address().open() as log:
    found = [((each.key or b"").decode(), dict(each.headers)["ce_id"].decode())
             for each in whole_topic(log, sys.argv[1])]
print(json.dumps(found))
"""
ASK = """
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except urllib.error.URLError as error:
    sys.exit(print(0, error.reason))
print(answer.status, answer.read().decode())
"""


@dataclass(frozen=True)
class Hospital:
    """One that is installed on a machine."""

    machine: Machine

    def install(self, bundle: str = "/bundle", *, kind: Kind = "hospital", **changed: str) -> str:
        """Install or upgrade from a bundle that lies there; what it said.

        Args:
            bundle: its folder on the machine.
            kind: what is installed.
            changed: settings that are others.
        """
        told = self.machine.at("/root/settings.env")
        settings = {**SETTINGS[kind], **changed}
        told.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        words = [f"{bundle}/install", kind, "--settings", "/root/settings.env"]
        done = self.machine.run(*words, check=False)
        if done.returncode:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def python(self, *words: str) -> str:
        """What a Python of the running version says."""
        return self.machine.run(f"{CURRENT}/venv/bin/python", *words, inside=f"{CURRENT}/app").stdout

    def deploy(self, *words: str) -> str:
        """What `python -m deploy.server` says."""
        done = self.machine.run(
            f"{CURRENT}/venv/bin/python",
            "-m",
            "deploy.server",
            *words,
            check=False,
            inside=f"{CURRENT}/app",
        )
        if done.returncode:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def segwatch(self, who: str, *words: str) -> str:
        """What the command says as one of the log's users.

        Raises:
            Refused: it ended with an error.
        """
        done = self.machine.run(COMMAND, who, *words, check=False)
        if done.returncode:
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def programs(self) -> list[str]:
        """The names of all units, to start or stop."""
        return [f"segwatch-{name}" for name in self.units()]

    def put_models(self) -> None:
        """The demonstration's scorer where the settings look for one."""
        target = f"{DATA}/models/scorer"
        self.machine.run("cp", "-r", f"{CURRENT}/app/deploy/models/demo-scorer", target)
        self.machine.run("chmod", "-R", "a+rX", target)

    def feed(self, numbers: range, *, masks: bool = True) -> None:
        """Let examinations appear in the inbox, each with its mask or without."""
        inbox = self.machine.at(f"{DATA}/inbox")
        for number in numbers:
            phantom = make_phantom(500 + number, shape=SHAPE)
            made = inbox / f".making-{number}"
            write_case(phantom, made, truth=False)
            if masks:
                write_nifti(made / "lesion_predicted.nii.gz", phantom.lesion, phantom.geometry)
            self.machine.give(made, "segwatch-ingest")
            made.rename(inbox / f"case-{number:03d}")

    def records(self, topic: str) -> list[tuple[str, str]]:
        """The key and the id of each of a topic's records, in its order; none where the log is away."""
        words = (f"{CURRENT}/venv/bin/python", "-c", LOOK, topic)
        done = self.machine.run(*words, check=False, inside=f"{CURRENT}/app")
        return [(key, name) for key, name in json.loads(done.stdout or "[]")]

    def received(self, number: int) -> list[str]:
        """The studies that came in, once there are so many."""
        return self._so_many(RECEIVED, number)

    def scored(self, number: int) -> list[str]:
        """The studies that were scored, once there are so many."""
        return self._so_many(SCORED, number)

    def ids_scored(self) -> list[str]:
        """The ids of what was scored."""
        return [name for _, name in self.records(SCORED)]

    def ready(self, service: str) -> tuple[int, str]:
        """What a service's readiness says: the status, 0 where nobody answers; and why."""
        return self.page(HTTP_PORTS[service], "/readyz")

    def page(self, port: int, path: str) -> tuple[int, str]:
        """What is answered on a port of the machine's own: the status, 0 where nobody does; and the text."""
        found = self.python("-c", ASK, f"http://127.0.0.1:{port}{path}").split(" ", 1)
        return int(found[0]), found[1].strip()

    def now(self) -> str:
        """The journal's present place, for `said`."""
        return self.machine.run("date", "+%Y-%m-%d %H:%M:%S").stdout.strip()

    def said(self, unit: str, since: str = "today") -> str:
        """The unit's log."""
        words = ("--unit", f"segwatch-{unit}", "--since", since, "--no-pager", "-o", "cat")
        return self.machine.run("journalctl", *words).stdout

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit, as systemd has it."""
        return self.machine.run("systemctl", "show", f"segwatch-{unit}", "-P", name).stdout.strip()

    def units(self) -> dict[str, str]:
        """Every unit and its state."""
        lines = self.machine.run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", "segwatch-*.service"
        ).stdout.splitlines()
        return {re.sub(r"segwatch-|\.service", "", each.split()[0]): each.split()[2] for each in lines}

    def well(self) -> bool:
        """Whether every unit is active that no timer starts."""
        return {state for name, state in self.units().items() if name not in TIMED} == {"active"}

    def _so_many(self, topic: str, number: int) -> list[str]:
        found: list[str] = []

        def there() -> bool:
            found[:] = [key for key, _ in self.records(topic)]
            return len(set(found)) >= number

        assert comes_true(there, SECONDS), f"{len(set(found))} of {number} in {topic}: {self.state()}"
        return found

    def state(self) -> dict[str, Any]:
        """What helps to see why something did not come: the units, and the last that each said."""
        return {name: (state, self.said(name)[-1500:]) for name, state in self.units().items()}


class Refused(Exception):
    """An installer's command ended with an error; this is what it said."""
