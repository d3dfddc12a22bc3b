"""Fixtures that the conformance tests have in common with the integration tests."""

import pytest

from gateway import Gateway


class Gateways:
    """Starts gateways in folders of their own and, at the end, stops each and looks at how it ended."""

    def __init__(self, new_directory):
        self.new_directory = new_directory
        self.running = []

    def __call__(self, config, **options):
        gateway = Gateway(config, self.new_directory(), **options)
        self.running.append(gateway)
        return gateway.start()

    def finish(self):
        failures = []
        for gateway in self.running:
            try:
                gateway.stop()
            except AssertionError as failure:
                failures.append(str(failure))
            gateway.kill()
        print("\n".join(line for gateway in self.running for line in [f"--- {gateway.path}", gateway.tail(60)]))
        assert not failures, "\n".join(failures)


@pytest.fixture
def start_gateway(tmp_path_factory):
    """`start_gateway(config)`: a gateway for one test."""
    gateways = Gateways(lambda: tmp_path_factory.mktemp("gateway"))
    yield gateways
    gateways.finish()


@pytest.fixture
def start_backend():
    """`start_backend(backends.node, "node_http.mjs")`: a real backend of this test's own, which it may kill."""
    started = []

    def start(kind, *arguments, **options):
        started.append(kind(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
