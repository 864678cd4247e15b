"""As much of Kubernetes' API as the keeper speaks to, over real HTTPS."""

import base64
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from segwatch.keeper.secrets import Secrets
from segwatch.streaming.authority import Authority

TOKEN = "a-token"


class Api:
    """Secrets by name, with their versions; who asks without the token is refused."""

    def __init__(self, names):
        self.held = {name: {} for name in names}
        self.versions = dict.fromkeys(names, 1)
        self.filled = []

    def answer(self, method, path, token, body):
        name = path.rpartition("/")[2]
        if token != f"Bearer {TOKEN}" or not path.startswith("/api/v1/namespaces/segwatch/secrets/"):
            return 403, {}
        if name not in self.held:
            return 404, {}
        if method == "PATCH":
            if body["metadata"]["resourceVersion"] != str(self.versions[name]):
                return 409, {}
            self.held[name] |= body["data"]
            self.versions[name] += 1
            self.filled.append(name)
        return 200, {"data": self.held[name], "metadata": {"resourceVersion": str(self.versions[name])}}

    def entry(self, name, key):
        return base64.b64decode(self.held[name][key])


@contextmanager
def serving(api, folder):
    """The API's address, with an account to come to it in the folder."""
    authority = Authority(folder / "kubernetes", "kubernetes")
    shown = authority.issue("kubernetes")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, said = api.answer(self.command, self.path, self.headers["Authorization"], body)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_PATCH = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account = folder / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(authority.trusted.read_bytes())
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text("segwatch")
    try:
        yield Secrets(f"https://127.0.0.1:{server.server_port}", account)
    finally:
        server.shutdown()
        server.server_close()
