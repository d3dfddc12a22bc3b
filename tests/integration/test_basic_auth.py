"""Basic authentication: hashes that `postern hash` makes, real clients, and what the endpoint and the log may see."""

import base64
import concurrent.futures
import os
import pty
import select
import subprocess
import time

import pytest

from configs import upstream
from raw import fetch
from settings import patience, postern_binary

PASSWORD = "correct horse ä battery"
ALGORITHMS = {"argon2id": "$argon2id$v=19$", "yescrypt": "$y$", "bcrypt": "$2b$12$"}


def make_hash(*arguments, password=PASSWORD):
    return subprocess.run([postern_binary(), "hash", *arguments], input=f"{password}\n".encode(), capture_output=True,
                          check=False, timeout=patience(30))


def hash_of(algorithm):
    done = make_hash("--algorithm", algorithm)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done.stdout.decode().removesuffix("\n")


def credentials(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(gateway, target, user=None, password=PASSWORD, headers=()):
    fields = list(headers)
    if user is not None:
        fields.append(("Authorization", credentials(user, password)))
    return fetch(gateway.port, target=target, headers=fields)


def sent_headers(response):
    gathered = {}
    for name, value in response.json()["headers"]:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered


@pytest.fixture(scope="module")
def hashes():
    return {name: hash_of(name) for name in ALGORITHMS}


@pytest.fixture(scope="module")
def gateway(start_shared_gateway, node_http, hashes, tmp_path_factory):
    users = tmp_path_factory.mktemp("users") / "site.users"
    users.write_text(f"# staff\ncarol:{hashes['bcrypt']}\n")
    return start_shared_gateway({
        "basic_auth": {"staging": {"realm": "Staging", "users": {"alice": hashes["argon2id"], "bob": hashes["yescrypt"]},
                                   "file": str(users)}},
        "jwt": {"login": {"secret": "integration-secret-of-more-than-sixty-four-bytes-so-that-hs512-is-content-too",
                          "algorithms": ["HS256"]}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [
            {"name": "staging", "match": {"path": "/staging"}, "upstream": "http",
             "basic_auth": {"use": "staging", "forward_user": "X-Remote-User"}},
            {"name": "kept", "match": {"path": "/kept"}, "upstream": "http",
             "basic_auth": {"use": "staging", "keep_authorization": True}},
            {"name": "choice", "match": {"path": "/choice"}, "upstream": "http", "basic_auth": "staging", "jwt": "login",
             "allow": "192.0.2.0/24", "access": "any"},
            {"name": "office", "match": {"path": "/office"}, "upstream": "http", "basic_auth": "staging",
             "allow": "127.0.0.1", "access": "any"},
            {"name": "open", "match": {"path": "/open"}, "upstream": "http"},
        ]})


# The command

@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hash_is_of_the_kind_that_was_asked_for(hashes, algorithm):
    assert hashes[algorithm].startswith(ALGORITHMS[algorithm])
    assert make_hash().stdout.startswith(b"$argon2id$")


def test_hash_takes_no_password_as_an_argument_and_does_not_repeat_it():
    done = make_hash("hunter2")
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.startswith(b"postern: hash: takes no password as an argument") and b"hunter2" not in done.stderr


@pytest.mark.parametrize("arguments, password, status, words", [
    ((), "", 1, "the password is empty"),
    ((), "a\tb", 1, "control character"),
    ((), "x" * 600, 1, "more than 511 bytes"),
    (("--algorithm", "bcrypt"), "x" * 73, 1, "73 bytes, and at most 72"),
    (("--algorithm", "md5"), "secret-word", 2, "--algorithm takes argon2id, yescrypt or bcrypt"),
    (("--algorithm=md5",), "secret-word", 2, "--algorithm takes argon2id, yescrypt or bcrypt"),
    (("--algorithm",), "secret-word", 2, "--algorithm"),
    (("--cost", "3"), "secret-word", 2, "there is no option"),
], ids=str)
def test_hash_says_what_is_wrong(arguments, password, status, words):
    done = make_hash(*arguments, password=password)
    assert done.returncode == status and done.stdout == b""
    assert words in done.stderr.decode() and "secret-word" not in done.stderr.decode()


def test_hash_help_has_an_example():
    done = make_hash("--help")
    assert done.returncode == 0 and b"postern hash --algorithm bcrypt" in done.stdout and b"basic_auth:" in done.stdout


def converse(*lines):
    """`postern hash` on a terminal: what it shows, what it prints, and its status."""
    here, there = pty.openpty()
    process = subprocess.Popen([postern_binary(), "hash"], stdin=there, stderr=there, stdout=subprocess.PIPE)
    os.close(there)
    shown = b""

    def read_until(word):
        nonlocal shown
        limit = time.monotonic() + patience(20)
        start = len(shown)
        while word not in shown[start:]:
            assert select.select([here], [], [], max(0, limit - time.monotonic()))[0], shown
            shown += os.read(here, 4096)

    for prompt, line in zip((b"Password: ", b"Again: "), lines):
        read_until(prompt)
        os.write(here, line.encode() + b"\n")
    out = process.stdout.read().decode()
    status = process.wait(patience(20))
    while select.select([here], [], [], 0)[0]:
        try:
            shown += os.read(here, 4096)
        except OSError:  # nobody has the other end any more
            break
    os.close(here)
    return shown.decode(), out, status


def test_hash_asks_twice_on_a_terminal_and_shows_nothing():
    shown, out, status = converse("typed-secret", "typed-secret")
    assert status == 0 and out.startswith("$argon2id$") and "typed-secret" not in shown + out
    shown, out, status = converse("typed-secret", "typed-secreT")
    assert status == 1 and out == "" and "the two passwords differ" in shown and "typed-secre" not in shown


# The gateway

@pytest.mark.parametrize("user", ["alice", "bob", "carol"])
def test_hash_of_each_kind_lets_its_user_in(gateway, user):
    response = ask(gateway, "/staging/x", user, headers=[("X-Remote-User", "root"), ("X_Remote_User", "root")])
    assert response.status == 200
    sent = sent_headers(response)
    assert sent["x-remote-user"] == [user] and "x_remote_user" not in sent and "authorization" not in sent


@pytest.mark.parametrize("user, password", [("alice", "wrong-word"), ("mallory", PASSWORD), ("alice", ""), ("", PASSWORD)])
def test_what_is_wrong_is_refused_in_the_same_way(gateway, user, password):
    response = ask(gateway, "/staging/x", user, password)
    assert response.status == 401 and response.json()["error"] == "credentials_refused"
    assert response.header("www-authenticate") == 'Basic realm="Staging", charset="UTF-8"'
    line = gateway.exchange(response)
    assert line["detail"] == 'the user or the password is not right (users "staging")'


def test_without_credentials_the_challenge_says_who_asks(gateway):
    response = ask(gateway, "/staging/x")
    assert response.status == 401 and response.json()["error"] == "credentials_missing"
    assert response.header("www-authenticate") == 'Basic realm="Staging", charset="UTF-8"'


def test_authorization_is_kept_on_request(gateway):
    sent = sent_headers(ask(gateway, "/kept/x", "alice"))
    assert sent["authorization"] == [credentials("alice", PASSWORD)]


def test_curl_logs_in(gateway, curl):
    done = subprocess.run([curl, "-sS", "-u", f"alice:{PASSWORD}", f"http://127.0.0.1:{gateway.port}/staging/x"],
                          capture_output=True, check=False, timeout=patience(20))
    assert done.returncode == 0 and b'"x-remote-user"' in done.stdout.lower()


def test_any_of_the_ways_in_is_enough(gateway):
    import jwt
    response = ask(gateway, "/choice/x")
    assert response.status == 401 and len(response.all("www-authenticate")) == 2
    assert ask(gateway, "/choice/x", "alice").status == 200
    token = jwt.encode({"sub": "t", "exp": int(time.time()) + 60},
                       "integration-secret-of-more-than-sixty-four-bytes-so-that-hs512-is-content-too", algorithm="HS256")
    assert ask(gateway, "/choice/x", headers=[("Authorization", f"Bearer {token}")]).status == 200
    assert ask(gateway, "/office/x").status == 200
    response = ask(gateway, "/office/x", "alice", "old-word")
    assert response.status == 200 and "authorization" not in sent_headers(response)


def test_any_brings_no_forged_token_to_the_place_of_a_moved_one(start_gateway, node_http):
    gateway = start_gateway({
        "jwt": {"t": {"secret": "a-secret-that-is-long-enough-for-hs256", "algorithms": ["HS256"]}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"name": "all", "upstream": "http", "allow": "127.0.0.1", "access": "any",
                    "jwt": {"use": "t", "forward_as": {"header": "X-Token"}}}]})
    response = fetch(gateway.port, target="/echo", headers=[("X-Token", "forged"), ("X_Token", "forged"), ("X-Other", "stays")])
    assert response.status == 200
    names = [name.lower() for name, _ in response.json()["headers"]]
    assert "x-other" in names and "x-token" not in names and "x_token" not in names


def test_a_hash_costs_once_and_never_an_event_loop(start_gateway, node_http):
    """A hash of a quarter of a second, 40 requests at once, and others that are served meanwhile."""
    gateway = start_gateway({
        "workers": 1,
        "basic_auth": {"slow": {"users": {"alice": hash_of("bcrypt")}}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"match": {"path": "/slow"}, "upstream": "http", "basic_auth": "slow"},
                   {"match": {"path": "/open"}, "upstream": "http"}]})

    def cpu():
        with open(f"/proc/{gateway.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = cpu()
    assert ask(gateway, "/slow/x", "alice", "wrong").status == 401
    one = cpu() - before
    before = cpu()
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        logins = [pool.submit(ask, gateway, "/slow/x", "alice") for _ in range(40)]
        others = [pool.submit(ask, gateway, "/open/x") for _ in range(40)]
        assert [login.result().status for login in logins] == [200] * 40
        assert [other.result().status for other in others] == [200] * 40
    for _ in range(20):
        assert ask(gateway, "/slow/x", "alice").status == 200
    assert cpu() - before < 6 * max(one, 0.05)  # not 60 hashes


def test_guessing_is_slow(start_gateway, node_http, hashes):
    gateway = start_gateway({
        "basic_auth": {"staging": {"users": {"bob": hashes["argon2id"]}}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"upstream": "http", "basic_auth": "staging"}]})
    assert ask(gateway, "/", "bob").status == 200
    statuses = [ask(gateway, "/", "bob", f"guess{number}").status for number in range(30)]
    assert 20 <= statuses.index(429) <= 24 and set(statuses) == {401, 429}
    refused = ask(gateway, "/", "bob", "one-more")
    assert refused.json()["error"] == "too_many_passwords" and 1 <= int(refused.header("retry-after")) <= 6
    assert ask(gateway, "/", "bob").status == 200  # who is known stays in


def test_a_reload_takes_users_away(start_gateway, node_http, hashes, tmp_path):
    users = tmp_path / "site.users"
    users.write_text(f"alice:{hashes['argon2id']}\nbob:{hashes['argon2id']}\n")
    gateway = start_gateway({
        "basic_auth": {"staging": {"file": str(users)}},
        "upstreams": {"http": upstream(node_http)},
        "routes": [{"upstream": "http", "basic_auth": "staging"}]})
    assert ask(gateway, "/", "alice").status == 200
    users.write_text(f"bob:{hashes['argon2id']}\n")
    gateway.reload()
    assert ask(gateway, "/", "alice").status == 401 and ask(gateway, "/", "bob").status == 200
    users.write_text("bob:plain-word\n")
    gateway.reload(expect="reload_failed")
    assert ask(gateway, "/", "bob").status == 200


def test_no_log_line_has_a_password_or_a_hash(gateway, hashes):
    for secret in (PASSWORD, "wrong-word", "old-word", "plain-word", credentials("alice", PASSWORD).split()[1],
                   *(made[-20:] for made in hashes.values())):
        assert secret not in gateway.tail(100000)
