"""The marketplace's HTTP API.

What belongs here: requests, and turning what the network does into failures of a kind. What does not: their pace
(``pacing``), the meaning of bodies (``wire_format``) and which events to ask for (``tracking``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import NamedTuple

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from ingestion.answers import Answer, KnownBody
from ingestion.circuit_breaker import CircuitBreaker, load_breaker
from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind, failure_of_status
from ingestion.pacing import Pace, retry_after_seconds
from ingestion.settings import Settings
from ingestion.shared_pace import SharedPace, share_pace

LISTINGS_PATH = "/hermes/api/v1/listings"
PRODUCTIONS_PATH = "/hermes/api/v1/productions"
PRODUCTIONS_A_PAGE = 100
"""Asked for; the marketplace may give fewer, and says how many pages that makes."""

TIMEOUT_SECONDS = 10.0
"""Without a sign of life: for connecting, and for each piece of an answer."""
ATTEMPTS = 3
TOTAL_TIMEOUT_SECONDS = 30.0
"""For all attempts for one event with the waits between them; waiting for its turn does not count."""
LARGEST_BODY_BYTES = 16 * 2**20
"""The largest books seen have about 1,000 listings and 700 KB."""


class _Reply(NamedTuple):
    """What is used of a response whose body has been read."""

    status: int
    body: bytes
    seconds: float
    retry_after: str | None
    etag: str | None


OnRetry = Callable[[CaptureError], None]
"""Told of each failure after which the same is asked again."""


def _tell_nobody(_: CaptureError) -> None:
    pass


class MarketplaceClosedError(Exception):
    """Nothing was asked: the marketplace has turned us away, and the circuit breaker is open."""


class Marketplace:
    """Asks the marketplace, no faster than the settings allow and not at all while it turns us away.

    Made by ``open_marketplace``. Every request may raise MarketplaceClosedError.
    """

    def __init__(self, client: httpx.AsyncClient, pace: Pace | SharedPace, breaker: CircuitBreaker) -> None:
        self._client = client
        self.base_url = str(client.base_url).rstrip("/")
        self._pace = pace
        self.breaker = breaker

    async def fetch_listings(
        self, event_id: int, known: KnownBody | None = None, on_retry: OnRetry = _tell_nobody
    ) -> Answer:
        """The listings of an event as the marketplace answers, whatever its status.

        Told of a body that is ``known``, it may answer 304 instead of sending it again. ``quantity`` is never sent:
        the answer may then be a subset. The currency is, since prices otherwise come in the caller's.

        Raises:
            CaptureError: no answer came (``timeout``, ``connection``), it was ``too_large``, or only transient
                failures came.
        """
        parameters = {"productionId": str(event_id), "currency": "USD", "localizeCurrency": "false"}
        reply = await self._get(LISTINGS_PATH, parameters, known.etag if known else None, on_retry)
        return Answer(
            event_id,
            datetime.now(UTC),
            reply.status,
            reply.body,
            # Of the request that was answered: without waiting for its turn, or the tries before it.
            round(reply.seconds * 1000),
            self.base_url,
            reply.etag,
            known,
        )

    async def fetch_production(self, event_id: int) -> bytes:
        """The body of one production.

        Raises:
            CaptureError: it could not be had; ``not_found`` where the marketplace does not know it.
        """
        reply = await self._get(f"{PRODUCTIONS_PATH}/{event_id}", {})
        failure = failure_of_status(reply.status, reply.body)
        if failure is not None:
            raise failure
        return reply.body

    async def search_productions(self, criteria: Mapping[str, str], page_number: int) -> bytes:
        """The body of one page (1-based) of the productions that meet ``criteria``, in the marketplace's parameters.

        Size and number go by several names, and what is not known is passed over: the page says which one it is.

        Raises:
            CaptureError: it could not be had.
        """
        size, number = str(PRODUCTIONS_A_PAGE), str(page_number)
        paging = {"pageSize": size, "rows": size, "limit": size, "page": number, "pageNumber": number}
        reply = await self._get(PRODUCTIONS_PATH, {**criteria, **paging})
        failure = failure_of_status(reply.status, reply.body)
        if failure is not None:
            raise failure
        return reply.body

    async def _get(
        self,
        path: str,
        parameters: dict[str, str],
        etag: str | None = None,
        on_retry: OnRetry = _tell_nobody,
    ) -> _Reply:
        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, CaptureError):
                on_retry(error)

        deadline = time.monotonic() + TOTAL_TIMEOUT_SECONDS
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, CaptureError) and error.kind.is_transient),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(),
            before_sleep=tell,
            reraise=True,
        ):
            with attempt:
                self._require_closed()
                queued_at = time.monotonic()
                await self._pace.turn()
                self._require_closed()
                deadline += time.monotonic() - queued_at
                try:
                    async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                        return await self._get_once(path, parameters, etag)
                except TimeoutError as error:
                    message = f"no whole answer within {TOTAL_TIMEOUT_SECONDS:.0f} s"
                    raise CaptureError(FailureKind.TIMEOUT, message) from error
        raise AssertionError("tenacity ended without a result")  # pragma: no cover

    def _require_closed(self) -> None:
        if self.breaker.is_open:
            raise MarketplaceClosedError(str(self.breaker.state))

    async def _get_once(self, path: str, parameters: dict[str, str], etag: str | None) -> _Reply:
        try:
            reply = await self._read(path, parameters, etag)
        except httpx.TimeoutException as error:
            raise CaptureError(FailureKind.TIMEOUT, f"no answer within {TIMEOUT_SECONDS:.0f} s: {error!r}") from error
        except httpx.HTTPError as error:
            raise CaptureError(FailureKind.CONNECTION, f"no answer: {error!r}") from error
        is_known = etag is not None and reply.status == HTTPStatus.NOT_MODIFIED
        failure = None if is_known else failure_of_status(reply.status, reply.body)
        if failure is None:
            self.breaker.note_success()
        else:
            self.breaker.note_failure(failure, datetime.now(UTC))
            if self.breaker.is_open and isinstance(self._pace, SharedPace):
                await self._pace.tell_others()
        if failure is not None and failure.kind is FailureKind.RATE_LIMITED:
            self._pace.slow_down(retry_after_seconds(reply.retry_after, datetime.now(UTC)))
        else:
            self._pace.speed_up()
        if failure is not None and failure.kind.is_transient:
            raise failure
        return reply

    async def _read(self, path: str, parameters: dict[str, str], etag: str | None) -> _Reply:
        """One request; its body is read no further than it may be long, whatever its headers promise."""
        pieces = []
        size = 0
        headers = {} if etag is None else {"if-none-match": etag}
        async with self._client.stream("GET", path, params=parameters, headers=headers) as response:
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > LARGEST_BODY_BYTES:
                    message = f"the body is larger than {LARGEST_BODY_BYTES // 2**20} MB"
                    raise CaptureError(FailureKind.TOO_LARGE, message, http_status=response.status_code)
                pieces.append(piece)
        return _Reply(
            response.status_code,
            b"".join(pieces),
            response.elapsed.total_seconds(),
            response.headers.get("retry-after"),
            response.headers.get("etag"),
        )


def _headers(settings: Settings) -> httpx.Headers:
    """What goes along with each request; the settings' headers come last and replace ours, in whatever case."""
    headers = httpx.Headers({"accept": "application/json", "user-agent": f"ticketmarts/{version('ticketmarts')}"})
    if settings.marketplace_token is not None:
        headers["authorization"] = f"Bearer {settings.marketplace_token.get_secret_value()}"
    headers.update(settings.marketplace_headers)
    return headers


@asynccontextmanager
async def open_marketplace(settings: Settings, database: Database) -> AsyncIterator[Marketplace]:
    """Connect as the settings say, for the length of the context; the breaker's state outlives it in the database."""
    base_url = settings.require_marketplace_base_url()
    breaker = database.run(lambda connection: load_breaker(connection, base_url, datetime.now(UTC)))
    limits = httpx.Limits(max_connections=settings.scraper_max_concurrency)
    try:
        with _open_pace(settings, base_url, database, breaker) as pace:
            async with httpx.AsyncClient(
                base_url=base_url, headers=_headers(settings), timeout=TIMEOUT_SECONDS, limits=limits, http2=True
            ) as client:
                yield Marketplace(client, pace, breaker)
    finally:
        database.run(breaker.save)


@contextmanager
def _open_pace(
    settings: Settings, marketplace: str, database: Database, breaker: CircuitBreaker
) -> Iterator[Pace | SharedPace]:
    """The pace of this process, or the one that it shares with those that work on other shards."""
    if settings.scraper_shards == 1:
        yield Pace(settings.scraper_requests_per_second)
        return
    with share_pace(settings.scraper_requests_per_second, marketplace, database, breaker) as pace:
        yield pace
