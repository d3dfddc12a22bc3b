"""What the tests share: certificates, backends that live for the whole run, and gateways that live for one test."""

import shutil

import pytest

import backends
from certificates import Authority
from fixtures import Gateways, start_backend, start_gateway  # noqa: F401
from log_file import start_logging_to  # noqa: F401
from raw import client_context
from scripted import ScriptedEndpoint
from settings import postern_binary, program
from tokens import SHARED_SECRET, KeyRing


def pytest_collection_modifyitems(config, items):
    if postern_binary() is None:
        if any(item.get_closest_marker("no_gateway") is None for item in items):
            raise pytest.UsageError("no gateway binary: set POSTERN_BINARY or build one")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def site(authority):
    """The certificate that most tests serve."""
    return authority.issue("site", ["localhost", "*.example.test", "127.0.0.1", "::1"])


@pytest.fixture(scope="session")
def trust(authority):
    """A client's TLS context that trusts the run's authority."""
    return client_context(authority.path)


@pytest.fixture(scope="session")
def keys():
    return KeyRing()


# Gateways of a whole file

@pytest.fixture(scope="module")
def start_shared_gateway(tmp_path_factory):
    """The same for one file of tests that all want one configuration."""
    gateways = Gateways(lambda: tmp_path_factory.mktemp("gateway"))
    yield gateways
    gateways.finish()


@pytest.fixture
def endpoint():
    """`endpoint(script)`: an endpoint scripted by the test; a broken script fails the test."""
    started = []

    def start(script=None, **options):
        started.append(ScriptedEndpoint(script, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
    failures = [one.failure for one in started if one.failure]
    assert not failures, failures


# Backends that serve the whole run

def _session_backend(kind, *arguments):
    @pytest.fixture(scope="session")
    def backend():
        with kind(*arguments) as running:
            yield running
    return backend


node_http = _session_backend(backends.node, "node_http.mjs")
node_ws = _session_backend(backends.node, "node_ws.mjs")
node_socketio = _session_backend(backends.node, "node_socketio.mjs")
fastapi_backend = _session_backend(backends.python, "fastapi_app.py")
django_backend = _session_backend(backends.python, "django_app.py", SHARED_SECRET)


@pytest.fixture(scope="session")
def vite(tmp_path_factory):
    with backends.node("vite_app.mjs", tmp_path_factory.mktemp("vite")) as running:
        yield running


@pytest.fixture(scope="session")
def curl():
    path = shutil.which("curl")
    if path is None:
        pytest.fail("curl is not installed: scripts/install-dependencies test browser")
    return path


@pytest.fixture(scope="session")
def chromium():
    path = program("chromium")
    if path is None:
        pytest.fail("chromium is not installed: scripts/install-dependencies test browser")
    return path
