"""`relay.py HOST PORT TO-HOST TO-PORT`: hands every connection on, byte for byte."""

import socket
import sys
import threading


def main() -> None:
    """Serve until it is ended."""
    host, port, to_host, to_port = sys.argv[1:]
    with socket.create_server((host, int(port))) as door:
        while True:
            here, _ = door.accept()
            threading.Thread(target=_lead, args=(here, (to_host, int(to_port))), daemon=True).start()


def _lead(here: socket.socket, target: tuple[str, int]) -> None:
    with here:
        try:
            there = socket.create_connection(target, 10)
        except OSError:
            return
        there.settimeout(None)
        with there:
            back = threading.Thread(target=_copy, args=(there, here), daemon=True)
            back.start()
            _copy(here, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    main()
