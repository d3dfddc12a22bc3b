"""Tokens that an operator revokes: what hangs on them ends on every worker, within a bounded memory."""

import json
import subprocess
import time

import pytest

import backends
import tokens
from metrics import LOCAL_ADMIN, admin_port, number, wait_for_number
from raw import Connection, fetch
from revocations import ISSUER, MEMORY, MOST, SECRET, bearer, config, is_open, memory_of, open_socket, open_stream, revoke, status
from settings import SLOW_BUILD, patience, postern_binary
from websocket_client import Frame, Refused, WebSocket


def test_subject_ends_on_every_worker_within_a_second(start_gateway, node_http, node_ws, start_backend):
    events = start_backend(backends.node, "event_source_server.mjs")
    gateway = start_gateway(config(node_http, node_ws, events, workers=4))
    sockets = [open_socket(gateway) for _ in range(40)]
    streams = [open_stream(gateway) for _ in range(20)]
    others = [open_socket(gateway, "bob") for _ in range(4)]
    bobs_stream = open_stream(gateway, "bob")
    kept = Connection(gateway.port)
    assert kept.request("GET", "/whoami", bearer()).status == 200
    began = time.monotonic()
    assert revoke(gateway, {"sub": "alice", "issuer": ISSUER})[0] == 200
    assert kept.request("GET", "/whoami", bearer()).status == 401  # the very next request, with a cached token
    refused = time.monotonic() - began
    for socket in sockets:
        frame = socket.receive()
        assert isinstance(frame, Frame) and (frame.close_code, frame.close_reason) == (4401, "token_revoked")
    sockets_ended = time.monotonic() - began
    for stream in streams:
        stream.take_until(b"\r\n0\r\n\r\n")
    ended = time.monotonic() - began
    print(f"\nrefused after {refused * 1e3:.0f} ms, 40 sockets after {sockets_ended * 1e3:.0f} ms, 20 streams after {ended * 1e3:.0f} ms")
    assert ended < patience(1)
    assert all(is_open(other) for other in others)
    bobs_stream.take_until(b"data:")
    for _ in range(8):  # on whichever worker
        response = fetch(gateway.port, target="/whoami", headers=bearer())
        assert response.status == 401 and response.json()["error"] == "token_revoked"
        with pytest.raises(Refused):
            open_socket(gateway)
    assert status(gateway, "bob") == 200
    wait_for_number(gateway, 40, "postern_websocket_closes_total", route="ws", by="gateway", code="4401", cause="token_revoked")
    wait_for_number(gateway, 20, "postern_failures_total", cause="token_revoked", stage="response_body")
    closed = gateway.wait_for("tunnel_close", cause="token_revoked")
    assert closed["close_code"] == 4401
    for one in others + [bobs_stream, kept]:
        one.connection.close() if isinstance(one, WebSocket) else one.close()


def usual_time(gateway):
    """How long a request with a cached token takes, in the middle of 40."""
    times = []
    for _ in range(40):
        began = time.monotonic()
        assert status(gateway, "bob") == 200
        times.append(time.monotonic() - began)
    return sorted(times)[20]


def test_million_revocations_and_ten_reloads(start_gateway, node_http, node_ws):
    made = config(node_http, node_ws, workers=4)
    gateway = start_gateway(made)
    assert status(gateway) == 200
    assert revoke(gateway, {"sub": "alice"})[0] == 200
    few = usual_time(gateway)
    before = memory_of(gateway)
    lines = b"".join(b'{"jti":"3b241101-e2bb-4255-8caf-%012d","issuer":"%s"}\n' % (i, ISSUER.encode()) for i in range(1_000_000))
    began = time.monotonic()
    code, answer = revoke(gateway, lines, "application/x-ndjson")
    took = time.monotonic() - began
    assert code == 200 and answer == {"revoked": 1_000_000, "known": 0, "entries": 1_000_001}
    socket = open_socket(gateway, "bob")
    for _ in range(10):
        gateway.reload(made)
    after = memory_of(gateway)
    table = number(gateway, "postern_revocations_memory_bytes")
    many = usual_time(gateway)
    print(f"\n1,000,000 revocations ({len(lines) >> 20} MiB of JSON) took {took:.1f} s; RSS {before >> 20} MiB before, "
          f"{after >> 20} MiB after ten reloads; the table says {int(table) >> 20} MiB; "
          f"a request took {few * 1e3:.1f} ms before, and takes {many * 1e3:.1f} ms")
    assert table <= MEMORY
    if not SLOW_BUILD:  # a sanitizer keeps what was freed
        assert after - before <= MEMORY + 32 * 1024 * 1024  # beside the table: buffers, and what the allocator keeps
    assert number(gateway, "postern_revocations") == 1_000_001
    assert is_open(socket)
    assert status(gateway) == 401  # after all that
    known = tokens.claims(sub="carol", jti="3b241101-e2bb-4255-8caf-000000777777")
    answer = fetch(gateway.port, target="/whoami", headers=[("Authorization", "Bearer " + tokens.token("HS256", SECRET.encode(), known))])
    assert answer.status == 401
    # The rest of the table, and one more: it is refused, and nothing is forgotten.
    rest = b"".join(b'{"jti":"more-%d"}\n' % i for i in range(MOST - 1_000_001 + 1))
    code, answer = revoke(gateway, rest, "application/x-ndjson")
    assert code == 503 and answer["entries"] == MOST and answer["error"].startswith(f"line {MOST - 1_000_001 + 1}: ")
    assert revoke(gateway, {"sub": "bob"})[0] == 503
    assert gateway.wait_for("revocation_refused", check=None)["cause"] == "revocations_full"
    assert status(gateway, "bob") == 200 and status(gateway) == 401
    assert number(gateway, "postern_revocations_memory_bytes") <= MEMORY
    socket.connection.close()


def test_each_way_to_name_tokens(start_gateway, node_http):
    gateway = start_gateway(config(node_http))
    for index, body in enumerate(({"jti": "token-{}"}, {"sid": "session-{}"}, {"sub": "{}"}, {"sub": "{}", "issued_before": "now"})):
        subject = f"user-{index}"
        assert status(gateway, subject, iat=int(time.time()) - 5) == 200
        named = {key: value.format(subject) for key, value in body.items()}
        assert revoke(gateway, named)[0] == 200
        assert status(gateway, subject, iat=int(time.time()) - 5) == 401
    assert status(gateway, "user-3", iat=int(time.time()) + 1) == 200  # logged in anew
    assert revoke(gateway, {"sub": "dave", "issuer": "https://elsewhere.test"})[0] == 200
    assert status(gateway, "dave") == 200
    assert revoke(gateway, {"sub": "dave", "for": "2s"})[0] == 200
    assert status(gateway, "dave") == 401
    deadline = time.monotonic() + patience(10)
    while status(gateway, "dave") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    listed = fetch(admin_port(gateway), target="/revocations").json()
    assert listed["of_kind"]["sub"] in (2, 3) and {"sub", "until"} <= set(listed["newest"][2])


def test_admin_without_the_word_takes_none(start_gateway, node_http):
    made = config(node_http)
    del made["revocations"]
    gateway = start_gateway(made)
    code, answer = revoke(gateway, {"sub": "alice"})
    assert code == 403 and "revocations: true" in answer["error"]
    assert status(gateway) == 200
    gateway.reload({**made, "revocations": {"token_life": "1h"}})
    assert revoke(gateway, {"sub": "alice"})[0] == 200
    assert status(gateway) == 401
    gateway.reload(made)
    assert status(gateway) == 401  # what was revoked stays so
    gateway.reload({**config(node_http), "admin": {**LOCAL_ADMIN, "public": True}})
    assert revoke(gateway, {"sub": "bob"})[0] == 403
    assert status(gateway, "bob") == 200


def run(*arguments, cwd=None):
    return subprocess.run([postern_binary(), "revoke", *arguments], capture_output=True, text=True, check=False,
                          timeout=patience(20), cwd=cwd)


def test_command(start_gateway, node_http):
    gateway = start_gateway(config(node_http, admin={"address": "unix:admin.sock"}))
    done = run("--sub", "alice", "--issuer", ISSUER, gateway.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "revoked (1 in effect)\n", "")
    assert status(gateway) == 401
    done = run("--sub=alice", f"--issuer={ISSUER}", "--for", "48h", gateway.path)
    assert done.returncode == 0 and done.stdout.startswith("revoked already")
    done = run("--issued-before", str(int(time.time()) + 5), "--json", cwd=gateway.directory)
    assert json.loads(done.stdout) == {"revoked": 1, "known": 0, "entries": 2}
    assert "postern.yaml" in done.stderr  # which file it took
    assert status(gateway, "bob") == 401
    for arguments, part in ((["--sub", "a", "--jti", "b"], "both"), ([], "names no tokens"), (["--issuer", "x"], "names no tokens"),
                            (["--sub", "a", "--for", "soon"], "not a duration"), (["--issued-before", "soon"], "is no time")):
        done = run(*arguments, gateway.path)
        assert done.returncode == 1 and part in done.stderr, done
    gateway.stop()
    done = run("--sub", "alice", gateway.path)
    assert done.returncode == 1 and "cannot be reached" in done.stderr
