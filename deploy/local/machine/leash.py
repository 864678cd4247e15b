"""Runs a command that ends when its parent ends, however that happens.

Started as `python -I -S leash.py PARENT COMMAND…`, so it imports nothing of segwatch. It asks Linux to be
killed with its parent (prctl(2), PR_SET_PDEATHSIG), looks whether the parent died meanwhile, and becomes
the command. Without it, a `kill -9` of the local stack would leave brokers running.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("leash: the parent is gone")
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
