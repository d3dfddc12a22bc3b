"""The fixtures of the integration tests that these tests use."""

import shared  # noqa: F401
from fixtures import start_backend, start_gateway  # noqa: F401
