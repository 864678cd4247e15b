"""The commands that the runbooks print, as they are printed."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

RUNBOOKS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "runbooks").glob("*.md"))
SITE = "hospital-a"
"""What stands for SITE."""


@dataclass(frozen=True)
class Command:
    """A line of a runbook's block, with its words."""

    page: str
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line.replace("SITE", SITE))

    @property
    def in_pod(self) -> list[str]:
        """What `kubectl exec` runs; empty where it is another command."""
        return self.words[self.words.index("--") + 1 :] if "--" in self.words else []

    @property
    def pod(self) -> str:
        """Where `kubectl exec` runs it: a pod's name or `deployment/NAME`."""
        (target,) = [word for word in self.words[self.words.index("exec") + 1 :][:2] if word[0] != "-"][:1]
        return target


def commands_of(page: Path) -> list[Command]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Command(page.stem, line) for block in blocks for line in block.splitlines() if line.strip()]


COMMANDS = [command for page in RUNBOOKS for command in commands_of(page)]
OURS = [command for command in COMMANDS if command.in_pod[:1] == ["segwatch"]]
AT_THE_CENTRE = [command for command in OURS if "segwatch-centre" in command.words]
IN_HOSPITAL = [command for command in OURS if command not in AT_THE_CENTRE]


def shown(command: Command) -> str:
    return f"{command.page}: {command.line}"
