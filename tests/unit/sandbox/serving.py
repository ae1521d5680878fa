"""The sandbox in a thread, over real HTTP, and a client that can make it fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from sandbox.catalogue import featured_events
from sandbox.marketplace import InventedMarketplace
from sandbox.server import API

SEED = 2026
AT = "2026-11-22T22:00:00Z"
NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)
FEATURED = [event.event_id for event in featured_events(NOW, 24, SEED)]


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve on a free port for the length of the context; yields the URL. What uvicorn logs reaches pytest."""
    config = uvicorn.Config(app, port=0, log_config=None, log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


class Sandbox:
    """A client of one sandbox."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=5, trust_env=False)

    def set_faults(self, *rules: dict[str, Any], **document: Any) -> None:
        """Put a document of these rules in force."""
        response = self.http.put("/sandbox/faults", json={"rules": rules, **document})
        assert response.status_code == 200, response.text

    def strike(self, fault: str, **options: Any) -> httpx.Response:
        """The listings answer of the first featured event, struck by this fault, once."""
        self.set_faults({"fault": fault, "options": options})
        return self.listings()

    def listings(self, event_id: int = FEATURED[0], at: str = AT, **headers: str) -> httpx.Response:
        """One answer, as it comes."""
        parameters = {"productionId": event_id, "at": at}
        return self.http.get(
            f"{API}/listings", params=parameters, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def served(self, since: int = 0) -> list[dict[str, Any]]:
        """The entries of the record after a sequence number."""
        page: dict[str, Any] = self.http.get("/sandbox/served", params={"since": since}).json()
        return list(page["served"])


def good_body(event_id: int = FEATURED[0], at: datetime = NOW) -> bytes:
    """What the invented market says without faults."""
    return InventedMarketplace(SEED).listings(event_id, at).body
