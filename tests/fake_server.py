"""A QMP server in a thread, which says what a test wants it to.

It answers from a table, greets as told, and notes what it was asked.
"""

import contextlib
import json
import socket
import threading

VERSION = {"qemu": {"major": 1, "minor": 2, "micro": 3}, "package": ""}
EMPTY = [{"name": "0", "meta-type": "object", "members": []}]


def make_schema(*commands, types=EMPTY):
    """Return the entities of commands without arguments, and their types."""
    named = ["query-qmp-schema", *commands]
    made = [
        {"name": name, "meta-type": "command", "arg-type": "0", "ret-type": "0"} for name in named
    ]
    return [*made, *types]


class FakeServer:
    """Serves one client after the other on a unix socket.

    `answers` are results by command, an exception's text for a refusal; `schema` is what the
    greeting says in that member (None: nothing).
    """

    def __init__(self, folder, answers, schema=None):
        self.path = str(folder / "qmp.sock")
        self.address = f"unix:{self.path}"
        self.answers = {"qmp_capabilities": {}, "query-version": VERSION, **answers}
        self.schema = schema
        self.asked = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def count(self, command):
        """Return how often a command was asked since the last `forget`."""
        return self.asked.count(command)

    def _run(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._talk(client)

    def _talk(self, client):
        greeting = {"version": VERSION, "capabilities": []}
        if self.schema is not None:
            greeting["schema"] = self.schema
        client.sendall(json.dumps({"QMP": greeting}).encode() + b"\r\n")
        for line in client.makefile("rb"):
            command = json.loads(line)
            self.asked.append(command["execute"])
            reply = self._answer(command["execute"]) | {"id": command["id"]}
            client.sendall(json.dumps(reply).encode() + b"\r\n")

    def _answer(self, command):
        answer = self.answers.get(command)
        if answer is None:
            return {"error": {"class": "CommandNotFound", "desc": f"no {command}"}}
        if isinstance(answer, str):
            return {"error": {"class": "GenericError", "desc": answer}}
        return {"return": answer}
