"""`python -m deploy.local setup`: fetches what the stack runs on and is no Python package."""

from rich.console import Console

from deploy.local.machine import binaries
from deploy.local.machine.jars import NoJava, fetch_jars, find_java


def set_up(console: Console) -> int:
    """Fetch jars, Prometheus and Alertmanager, once. What cannot be had is said; the stack does without."""
    try:
        console.print(f"Java: {find_java()}", soft_wrap=True)
        console.print(f"Kafka's jars: {fetch_jars(console.print)}", soft_wrap=True)
    except NoJava as error:
        console.print(f"{error}\n`make run` will use the embedded log.", soft_wrap=True)
    for program in binaries.ALL:
        found = binaries.obtain(program, lambda line: console.print(line, soft_wrap=True))
        missing = "not to be had: no package, no Go. `make run` shows everything but pages."
        console.print(f"{program.names[0]}: {found or missing}", soft_wrap=True)
    return 0
