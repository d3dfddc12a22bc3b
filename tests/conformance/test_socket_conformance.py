"""Every case of socket_cases.py, from a client and from an endpoint, through the gateway that passes bytes, that reads
headers, and that reads messages; the other end is Node's ws or python3-websockets."""

import json
import os
import re
import subprocess
import threading

import pytest

import shared  # noqa: F401
import backends
from configs import simple
from scripted import ScriptedEndpoint, handshake_answer
from settings import HERE, SLOW_BUILD, patience, program
from socket_cases import cases
from websocket_client import CLOSE, PONG, TEXT, WebSocket, frame

FOLDER = os.path.dirname(os.path.abspath(__file__))
COMMANDS = {"node": [program("node") or "node", os.path.join(FOLDER, "socket_ends.mjs")],
            "python": [backends.PYTHON, os.path.join(FOLDER, "socket_ends.py")]}
MODES = ["tunnel", "walk", "inspect"]
LIMITS = {"from_client": {"message_size": "64MiB"}, "from_upstream": {"message_size": "64MiB"}}


def rules(mode):
    # A tunnel has no rules: a limit would make it read headers.
    return {"websocket": {"mode": mode, "ping_interval": "none", **({} if mode == "tunnel" else LIMITS)}}


def test_there_are_enough_cases_and_each_has_its_name():
    names = [case.name for case in cases(strict=False, large=True)]
    assert len(names) == len(set(names)) and len(names) >= 200
    assert {name.split()[0] for name in names} == set("123456789")


class Side:
    """One side of a case: sends its frames, and says what is wrong with what comes of it."""

    def __init__(self, take, send, masked):
        self.take, self.send, self.masked = take, send, masked

    def read_frame(self):
        first, second = self.take(2)
        if bool(second & 0x80) == self.masked:
            raise AssertionError("a frame that is masked the wrong way")
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
        key = self.take(4) if second & 0x80 else None
        data = self.take(length)
        if key and data:
            pattern = (key * (len(data) // 4 + 1))[:len(data)]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(len(data), "big")
        return first & 0x0F, bool(first & 0x80), data

    def run(self, case):
        sent = b"".join(build(self.masked) for build in case.frames)
        # A real end sends back while it is sent to: both directions at once, or all buffers fill.
        sender = threading.Thread(target=self.send_all, args=(sent, case.piece))
        sender.start()
        try:
            return self.judge(case)
        finally:
            sender.join(patience(20))

    def send_all(self, sent, piece):
        try:
            for at in range(0, len(sent), piece or len(sent) or 1):
                self.send(sent[at:at + (piece or len(sent))])
        except OSError:
            pass  # it was told to stop

    def judge(self, case):
        messages, pongs, kind, parts = [], [], None, []
        said_close = case.says_close
        while True:
            if not said_close and not case.fails and len(messages) == len(case.messages) and len(pongs) == len(case.pongs):
                self.send(frame(b"\x03\xe8", CLOSE, mask=self.masked))
                said_close = True
            try:
                opcode, final, data = self.read_frame()
            except (ConnectionError, EOFError, TimeoutError, AssertionError) as error:
                return f"no Close, but {error or type(error).__name__}; heard {len(messages)} messages"
            if opcode == CLOSE:
                break
            if opcode == PONG:
                pongs.append(data)
            elif opcode < 3:
                kind = kind or opcode
                parts.append(data)
                if final:
                    whole = b"".join(parts)
                    messages.append(whole.decode("utf-8") if kind == TEXT else whole)
                    kind, parts = None, []
        code = int.from_bytes(data[:2], "big") if len(data) >= 2 else None
        if case.fails:
            # What came before the fault may come back, or be lost with the connection.
            if code not in case.fails:
                return f"told {code}, not {case.fails}"
            return None if messages == case.messages[:len(messages)] else f"heard {messages!r:.200}"
        # A real end may have nothing more to say once it has heard a Close.
        if messages != case.messages and not (case.says_close and messages == case.messages[:len(messages)]):
            return f"heard {messages!r:.200}"
        if pongs != case.pongs:
            return f"pongs {pongs!r:.200}"
        if said_close and code != (case.closes if case.says_close else 1000):
            return f"the Close came back as {code}"
        return None


def report(problems, count):
    print(f"{count} cases")
    assert not problems, "\n".join(f"{name}: {problem}" for name, problem in problems)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", COMMANDS)
def test_client_of_every_case(start_gateway, start_backend, mode, end):
    backend = start_backend(lambda: backends.Backend([*COMMANDS[end], "server"]))
    gateway = start_gateway(simple(backend, workers=1, route=rules(mode)))
    chosen = cases(strict=mode != "tunnel", large=not SLOW_BUILD)
    problems = []
    for case in chosen:
        with WebSocket(gateway.port, "/case", timeout=30) as socket:
            problem = Side(socket.connection.take, socket.connection.send, masked=True).run(case)
        if problem:
            problems.append((case.name, problem))
    report(problems, len(chosen))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", COMMANDS)
def test_endpoint_of_every_case(start_gateway, mode, end):
    chosen = cases(strict=mode != "tunnel", large=not SLOW_BUILD)
    problems = []

    def run_case(peer):
        head = peer.read_head()
        if head is None:
            return
        number = int(re.search(rb"case=(\d+)", head).group(1))
        peer.send(handshake_answer(head))
        problem = Side(taking_from(peer), peer.socket.sendall, masked=False).run(chosen[number])
        if problem:
            problems.append((chosen[number].name, problem))

    endpoint = ScriptedEndpoint(run_case)
    try:
        gateway = start_gateway(simple(endpoint, workers=1, route=rules(mode)))
        command = [*COMMANDS[end], "client", f"ws://127.0.0.1:{gateway.port}/", str(len(chosen))]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=patience(200), check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        codes = json.loads(done.stdout)
        # Where the gateway sees what is wrong, no client is left without a word: its word for a bad end is 1014. What
        # it does not look at, a client finds out by itself.
        if mode != "tunnel":
            for case, code in zip(chosen, codes):
                if mode == "walk" and case.fails == (1007,) and "Close" not in case.name:
                    continue
                right = 1014 if case.fails else case.closes if case.says_close else 1000
                if code != (1005 if right is None else right):
                    problems.append((case.name, f"the client was told {code}"))
        report(problems, len(chosen))
    finally:
        endpoint.stop()
    assert not endpoint.failure, endpoint.failure


def taking_from(peer):
    def take(count):
        while len(peer.buffer) < count:
            if not peer.fill():
                raise EOFError("the end")
        data = bytes(peer.buffer[:count])
        del peer.buffer[:count]
        return data

    return take
