"""Clients that ask as fast as they are answered: each on a connection of its own, kept open, one request at a time.

What belongs here: sending and timing, in a process of its own that costs little beside what it asks: threads of the
standard library's client, answers read whole and not looked into. What does not: what is asked (``endpoint_requests``).
``python -m benchmarks.http_clients`` reads a plan from its input as JSON and prints a report as JSON.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import cycle, islice

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """What is asked: ``paths`` again and again, for ``seconds`` and at least ``fewest_requests`` times.

    What is asked in the ``warm_up_seconds`` before is not counted. Never longer than ``most_seconds``.
    """

    host: str
    port: int
    headers: dict[str, str]
    paths: Sequence[str]
    clients: int
    warm_up_seconds: float
    seconds: float
    fewest_requests: int
    most_seconds: float


@dataclass(frozen=True)
class Report:
    """How long each counted request took, from its first byte sent to its last received, and over what time."""

    milliseconds: list[float]
    seconds: float
    megabytes: float
    failed: list[str]


def ask(plan: Plan) -> Report:
    """Ask from another process."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.http_clients"],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Report(**json.loads(ended.stdout))


class _Clients:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began = time.perf_counter()
        self._counted_from = self._began + plan.warm_up_seconds
        self.milliseconds: list[float] = []
        self.bytes = 0
        self.failed: list[str] = []

    def run(self) -> Report:
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self._plan.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - self._counted_from
        return Report(self.milliseconds, seconds, self.bytes / 1e6, self.failed[:5])

    def _ask(self, number: int) -> None:
        plan = self._plan
        connection = http.client.HTTPConnection(plan.host, plan.port, timeout=_TIMEOUT_SECONDS)
        first = number * len(plan.paths) // plan.clients
        for path in islice(cycle(plan.paths), first, None):
            sent = time.perf_counter()
            connection.request("GET", path, headers=plan.headers)
            answer = connection.getresponse()
            body = answer.read()
            received = time.perf_counter()
            if answer.status != HTTPStatus.OK:
                self.failed.append(f"{path} {answer.status} {body[:200]!r}")
                return
            if sent >= self._counted_from:
                self.milliseconds.append(1000 * (received - sent))
                self.bytes += len(body)
            if self._is_over(received):
                return

    def _is_over(self, now: float) -> bool:
        measured = now - self._counted_from
        is_enough = measured >= self._plan.seconds and len(self.milliseconds) >= self._plan.fewest_requests
        return is_enough or measured >= self._plan.most_seconds or bool(self.failed)


def main() -> None:
    """Ask as the plan on standard input says."""
    print(json.dumps(asdict(_Clients(Plan(**json.load(sys.stdin))).run())))


if __name__ == "__main__":
    main()
