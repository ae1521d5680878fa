"""The same question has the same answer: in any process, any order, whatever was asked before."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.catalogue import featured_events
from sandbox.marketplace import InventedMarketplace
from sandbox.population import population_of
from sandbox.search import Search

PROJECT = Path(__file__).parents[3]
SEED = 11
NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)

_OTHER_PROCESS = """
import hashlib, sys
from datetime import datetime
from sandbox.marketplace import InventedMarketplace
from sandbox.search import Search
seed, at, *ids = sys.argv[1:]
market, at = InventedMarketplace(int(seed)), datetime.fromisoformat(at)
for event_id in ids:
    print(hashlib.sha256(market.listings(int(event_id), at).body).hexdigest())
print(hashlib.sha256(market.productions(Search(page_size=20), at).body).hexdigest())
"""


def answers(event_ids: list[int], at: datetime) -> list[str]:
    market = InventedMarketplace(SEED)
    bodies = [market.listings(event_id, at).body for event_id in event_ids]
    bodies.append(market.productions(Search(page_size=20), at).body)
    return [hashlib.sha256(body).hexdigest() for body in bodies]


def test_another_process_asked_in_another_order_answers_the_same():
    event_ids = [event.event_id for event in featured_events(NOW, 6, SEED)]
    backwards = event_ids[::-1]
    other = subprocess.run(
        [sys.executable, "-c", _OTHER_PROCESS, str(SEED), NOW.isoformat(), *map(str, backwards)],
        env={**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo"},
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    here = answers(event_ids, NOW)
    assert other == [*here[:-1][::-1], here[-1]]


def test_forgetting_a_market_and_asking_other_instants_changes_nothing():
    event_id = featured_events(NOW, 3, SEED)[1].event_id
    first = answers([event_id], NOW)
    for hours in (-50, 3, 1, -1):
        answers([event_id], NOW + timedelta(hours=hours))
    population_of.cache_clear()
    assert answers([event_id], NOW) == first


def test_time_zones_of_the_asker_change_nothing():
    event_id = featured_events(NOW, 3, SEED)[0].event_id
    assert answers([event_id], NOW) == answers([event_id], NOW.astimezone())


def test_another_seed_or_minute_is_another_market():
    event = featured_events(NOW, 24, SEED)[0]
    later = InventedMarketplace(SEED).listings(event.event_id, NOW + timedelta(hours=2))
    now = InventedMarketplace(SEED).listings(event.event_id, NOW)
    assert later.body != now.body
    assert now.body != InventedMarketplace(SEED + 1).listings(event.event_id, NOW).body
