"""One session for the simulator's tests: what one test leaves behind must not matter to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cimspice.spice import Session


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with Session() as one:
        yield one
