"""Event streams with real clients and servers: EventSource, and MCP over streamable HTTP."""

import json

import backends
from configs import simple
from raw import Connection, fetch

ALL_STREAM = {"match": {"path": "/"}}


def open_stream(port, target="/events", fields=b""):
    reader = Connection(port)
    reader.send(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" +
                fields + b"\r\n")
    head = reader.read_head()
    return reader, head


def keep_alive_timers(ports):
    """The local and remote ports of established connections on which the system's keep-alive timer runs."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                columns = line.split()
                local, remote = (int(address.rpartition(":")[2], 16) for address in columns[1:3])
                if columns[3] == "01" and columns[5].startswith("02:") and ports & {local, remote}:
                    found.add((local, remote))
    return found


def test_system_watches_both_sides_of_an_open_stream(start_gateway, start_backend):
    backend = start_backend(backends.node, "event_source_server.mjs")
    gateway = start_gateway(simple(backend))
    reader, head = open_stream(gateway.port)
    with reader:
        assert head.header("content-type") == "text/event-stream"
        reader.take_until(b"retry: 50\n\n")
        mine = reader.socket.getsockname()[1]
        # A packet on its way shows another timer, for a moment.
        for _ in range(200):
            timers = keep_alive_timers({gateway.port, backend.port})
            client = (gateway.port, mine) in timers
            upstream = any(remote == backend.port for _, remote in timers)
            if client and upstream:
                break
        assert client and upstream
    line = gateway.wait_for("stream_close", target="/events")
    assert (line["by"], line["cause"], line["kind"]) == ("client", "client_closed", "events")


def test_event_source_loses_nothing_when_a_reload_ends_its_stream(start_gateway, start_backend):
    backend = start_backend(backends.node, "event_source_server.mjs")
    config = simple(backend)
    gateway = start_gateway(config)
    client = start_backend(backends.node, "event_source_client.mjs", f"http://127.0.0.1:{gateway.port}/events", 2, 10)
    gateway.wait_for("stream_open", target="/events")
    gateway.reload(simple(backend, route={"host": "preserve"}))
    line = gateway.wait_for("stream_close", target="/events", cause="route_changed")
    assert line["by"] == "gateway"
    client.wait_for_output("RESULT ")
    result = json.loads(next(text for text in client.output if text.startswith("RESULT "))[len("RESULT "):])
    assert result["opens"] == 2
    numbers = result["numbers"]
    assert len(numbers) > 10 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    asked = fetch(gateway.port, target="/asked").json()
    assert asked[0] is None and numbers[0] <= int(asked[1]) < numbers[-1]


def test_shutdown_ends_streams_between_events_and_soon(start_gateway, start_backend):
    backend = start_backend(backends.node, "event_source_server.mjs")
    gateway = start_gateway(simple(backend))
    readers = [open_stream(gateway.port)[0] for _ in range(5)]
    for reader in readers:
        reader.take_until(b"data:")
    gateway.stop()
    for reader in readers:
        rest = reader.take_until(b"\r\n0\r\n\r\n")
        assert rest.endswith(b"\n\n\r\n0\r\n\r\n")
        reader.close()
    assert len(gateway.find("stream_close", cause="shutting_down")) == 5


def test_mcp_sessions_stay_at_the_endpoint_that_began_them(start_gateway, start_backend):
    servers = [start_backend(backends.node, "mcp_server.mjs", name) for name in ("one", "two")]
    gateway = start_gateway(simple(
        *servers, upstream_options={"balance": {"learn": {"response_header": "Mcp-Session-Id"}}}, workers=2))
    results = backends.run_node("mcp_client.mjs", f"http://127.0.0.1:{gateway.port}/mcp", 6, 4)
    names = [{answer["name"] for answer in result["answers"]} for result in results]
    assert all(len(one) == 1 for one in names)
    assert {name for one in names for name in one} == {"one", "two"}
    for result, (name,) in zip(results, names, strict=True):
        assert [answer["calls"] for answer in result["answers"]] == [1, 2, 3, 4]
        assert result["notification"] == f"from {name}"
    # Each client had an event stream of its own, for what the server says unasked.
    assert len(gateway.find("stream_open", method="GET", kind="events")) == 6
