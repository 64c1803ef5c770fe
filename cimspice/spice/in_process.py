"""Runs work in this process: for points of which each needs the one before."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Self

from cimspice.errors import CimspiceError
from cimspice.spice.session import Session


class InProcess:
    """Items one after another in a session of this process, which starts with the first and is kept.

    As `Pool`, but without workers to start, and without a time limit: what hangs, hangs.
    """

    size = 1

    def __init__(self) -> None:
        self._session: Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(
        self,
        function: Callable[[Session, Any], Any],
        items: Iterable[Any],
        *,
        on_error: Literal["raise", "return"] = "raise",
        ordered: bool = True,
    ) -> Iterator[Any]:
        """``function(session, item)`` of each item, in order."""
        self._session = self._session or Session()
        for item in items:
            try:
                yield function(self._session, item)
            except CimspiceError as error:
                if on_error == "raise":
                    raise
                yield error
