"""`python -m deploy.cluster up|down|status|kubectl …`: the cluster of the tests, by hand."""

import sys
import time

from deploy.cluster import control, helpers, programs
from deploy.local.machine.process import NotReady
from segwatch.errors import SegwatchError
from segwatch.terminal import new_console

USAGE = "python -m deploy.cluster up | down | status | kubectl WORDS…"


def main(words: list[str]) -> int:
    """Do what the first word says; 2 where it cannot be done."""
    console, began = new_console(), time.monotonic()

    def say(line: str) -> None:
        console.print(line.rstrip(), soft_wrap=True, markup=False, highlight=False)

    try:
        match words:
            case ["up"]:
                programs.require()
                programs.build(say)
                helpers.build_helpers(say)
                control.up(say)
                say(f"up after {time.monotonic() - began:.0f} s; `make cluster-down` ends it")
            case ["down"]:
                control.down()
            case ["status"]:
                for line in control.status():
                    say(line)
            case ["kubectl", *rest]:
                say(control.kubectl(*rest))
            case _:
                say(USAGE)
                return 2
    except (NotReady, SegwatchError) as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
