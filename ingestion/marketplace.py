"""The marketplace's HTTP API.

What belongs here: requests, their pace, and turning what the network does into failures of a kind. What does not:
the meaning of bodies (``wire_format``) and which events to ask for (``tracking``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from ingestion.answers import Answer
from ingestion.failures import CaptureError, FailureKind, failure_of_status
from ingestion.settings import Settings

LISTINGS_PATH = "/hermes/api/v1/listings"
PRODUCTIONS_PATH = "/hermes/api/v1/productions"

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 5.0
"""Three attempts of ten seconds with their waits stay near the half minute that an event may take."""


class Marketplace:
    """Asks the marketplace, no faster than the settings allow; made by ``open_marketplace``."""

    def __init__(self, client: httpx.AsyncClient, requests_per_second: float) -> None:
        self._client = client
        self._limiter = AsyncLimiter(1, 1 / requests_per_second)

    async def fetch_listings(self, event_id: int) -> Answer:
        """The listings of an event as the marketplace answers, whatever its status.

        ``quantity`` is never sent: the answer may then be a subset. The currency is, since prices otherwise come in
        the caller's.

        Raises:
            CaptureError: no answer came (``timeout``, ``connection``), or only transient ones did.
        """
        parameters = {"productionId": str(event_id), "currency": "USD", "localizeCurrency": "false"}
        response = await self._get(LISTINGS_PATH, parameters)
        # Of the request that was answered: without waiting for its turn, or the tries before it.
        fetch_ms = round(response.elapsed.total_seconds() * 1000)
        return Answer(event_id, datetime.now(UTC), response.status_code, response.content, fetch_ms)

    async def fetch_production(self, event_id: int) -> bytes:
        """The body of one production.

        Raises:
            CaptureError: it could not be had; ``not_found`` where the marketplace does not know it.
        """
        response = await self._get(f"{PRODUCTIONS_PATH}/{event_id}", {})
        failure = failure_of_status(response.status_code, response.content)
        if failure is not None:
            raise failure
        return response.content

    async def _get(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, CaptureError) and error.kind.is_transient),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(max=LONGEST_WAIT_SECONDS),
            reraise=True,
        ):
            with attempt:
                async with self._limiter:
                    return await self._get_once(path, parameters)
        raise AssertionError("tenacity ended without a result")  # pragma: no cover

    async def _get_once(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        try:
            response = await self._client.get(path, params=parameters)
        except httpx.TimeoutException as error:
            raise CaptureError(FailureKind.TIMEOUT, f"no answer within {TIMEOUT_SECONDS:.0f} s: {error!r}") from error
        except httpx.HTTPError as error:
            raise CaptureError(FailureKind.CONNECTION, f"no answer: {error!r}") from error
        failure = failure_of_status(response.status_code, response.content)
        if failure is not None and failure.kind.is_transient:
            raise failure
        return response


@asynccontextmanager
async def open_marketplace(settings: Settings) -> AsyncIterator[Marketplace]:
    """Connect as the settings say, for the length of the context."""
    headers = {
        "accept": "application/json",
        "user-agent": f"ticketmarts/{version('ticketmarts')}",
        **settings.marketplace_headers,
    }
    limits = httpx.Limits(max_connections=settings.scraper_max_concurrency)
    async with httpx.AsyncClient(
        base_url=settings.require_marketplace_base_url(),
        headers=headers,
        timeout=TIMEOUT_SECONDS,
        limits=limits,
        http2=True,
    ) as client:
        yield Marketplace(client, settings.scraper_requests_per_second)
