"""A marketplace that keeps those waiting who ask it for listings, so that a round can be met in its middle.

What belongs here: waiting and counting. What does not: answers, which are the sandbox's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.randomness import DEFAULT_SEED
from sandbox.server import API, app_of
from tests.integration.ingestion.marketplaces import RememberingSandbox, serving

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_POLL_SECONDS = 0.02


class GatedMarketplace:
    """The sandbox behind a gate, which remembers the bodies that it served."""

    def __init__(self) -> None:
        self.sandbox = RememberingSandbox()
        self.url = ""
        self.waiting = 0
        self._is_open = threading.Event()
        self._is_open.set()
        self._app = app_of(self.sandbox, DEFAULT_SEED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["path"] == f"{API}/listings":
            self.waiting += 1
            try:
                # The gate is another thread's, so no event of asyncio's.
                while not self._is_open.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_SECONDS)
            finally:
                self.waiting -= 1
        await self._app(scope, receive, send)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody is answered for the length of the context."""
        self._is_open.clear()
        try:
            yield
        finally:
            self._is_open.set()


@contextmanager
def gated_marketplace() -> Iterator[GatedMarketplace]:
    marketplace = GatedMarketplace()
    with serving(marketplace) as url:
        marketplace.url = url
        yield marketplace
