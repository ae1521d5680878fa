"""Every metric of the contract computed a second way: in pandas, from the recorded bodies alone.

Of events, zones and sections, of the newest captures and of the lives of listings.

It shares no code and no SQL with the project, and spells out what the project never does: every observation as a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

Row = dict[str, Any]
Key = tuple[Any, ...]
_CENT = Decimal("0.01")
_NEVER = pd.Timestamp.max.tz_localize("UTC")
_MOVES = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}


@dataclass
class Truth:
    """What each mart must say, by its key; instants stand for hours and days."""

    event_hourly: dict[Key, Row] = field(default_factory=dict)
    zone_hourly: dict[Key, Row] = field(default_factory=dict)
    event_daily: dict[Key, Row] = field(default_factory=dict)
    section_daily: dict[Key, Row] = field(default_factory=dict)
    event_latest: dict[Key, Row] = field(default_factory=dict)
    listing_lifecycle: dict[Key, Row] = field(default_factory=dict)


def truth(lines: Iterable[dict[str, Any]], starts: Mapping[int, datetime | None], interval_seconds: int) -> Truth:
    """What every mart says of a recording."""
    found = Truth()
    for event_id, captures, observations in _events(lines):
        flows = _flows(captures, observations, starts.get(event_id))
        for whole, parts, part, frequency, length in (
            (found.event_hourly, found.zone_hourly, "zone", "h", timedelta(hours=1)),
            (found.event_daily, found.section_daily, "section_id", "D", timedelta(days=1)),
        ):
            for start, in_window in captures.groupby(captures.dt.floor(frequency)):
                expected = {"captures_expected": round(length.total_seconds() / interval_seconds)}
                seen = observations[observations["captured_at"].isin(in_window)]
                moved = flows[flows["captured_at"].isin(in_window)]
                has_flows = in_window.max() > captures.min()
                key = (event_id, start.to_pydatetime())
                whole[key] = expected | _metrics(in_window, seen, moved, has_flows=has_flows)
                is_flow = (moved[list(_FLOWS)] > 0).any(axis="columns")
                for name in {*seen[part], *moved[is_flow][part]}:
                    parts[*key, name] = expected | _metrics(
                        in_window, seen[seen[part] == name], moved[moved[part] == name], has_flows=has_flows
                    )
        found.event_latest[event_id,] = _latest(event_id, captures, observations, found.event_hourly)
        for listing_id, life in observations.groupby("id"):
            moves = flows[flows["id"] == listing_id]
            found.listing_lifecycle[event_id, listing_id] = _life(life, captures, moves, starts.get(event_id))
    return found


def _metrics(captures: pd.Series, seen: pd.DataFrame, flows: pd.DataFrame, *, has_flows: bool) -> Row:
    return _counts(captures, seen) | _prices(captures, seen) | _sum_of_flows(flows, has_flows=has_flows)


def _latest(event_id: int, captures: pd.Series, observations: pd.DataFrame, hours: Mapping[Key, Row]) -> Row:
    newest = captures.iloc[-1:]
    seen = observations[observations["captured_at"].isin(newest)]
    counts, prices = _counts(newest, seen), _prices(newest, seen)
    row = {name: value for name, value in prices.items() if "get_in" not in name or name == "pair_get_in"}
    row |= {"listings": counts["listings_close"], "tickets": counts["tickets_close"]}
    row |= {"get_in": prices["get_in_close"], "all_in_get_in": prices["all_in_get_in_close"]}
    row["captured_at"] = counts["last_captured_at"]
    for name, span in _MOVES.items():
        hour = (newest.iloc[0] - span).floor("h").to_pydatetime()
        before = hours.get((event_id, hour), {})
        for now, then in (("listings", "listings_close"), ("tickets", "tickets_close"), ("get_in", "get_in_close")):
            row[f"{now}_change_{name}"] = _difference(row[now], before.get(then))
        row[f"price_median_change_{name}"] = _difference(row["price_median"], before.get("price_median"))
    return row


def _difference(now: Any, then: Any) -> Any:
    return None if now is None or then is None else now - then


def _life(life: pd.DataFrame, captures: pd.Series, moves: pd.DataFrame, starts_at: datetime | None) -> Row:
    first, last = life.iloc[0], life.iloc[-1]
    missed = captures[captures > last["captured_at"]]
    row = {
        "zone_id": last["ticket"].get("c"),
        "section_id": last["ticket"].get("d"),
        "section": last["ticket"].get("s"),
        "seat_row": last["ticket"].get("r"),
        "ended_as": "active",
        "first_quantity": first["quantity"],
        "last_quantity": last["quantity"],
        "first_price": _dollars(first["price"]),
        "lowest_price": _dollars(life["price"].min()),
        "last_price": _dollars(last["price"]),
        "price_changes": int(moves["listings_repriced_up"].sum() + moves["listings_repriced_down"].sum()),
        "first_seen_at": first["captured_at"].to_pydatetime(),
        "last_seen_at": None,
        "gone_at": None,
    }
    if missed.empty:
        return row
    gone_at = missed.iloc[0]
    has_started = starts_at is not None and gone_at >= pd.Timestamp(starts_at)
    is_relisted = moves[moves["captured_at"] == gone_at]["listings_relisted"].any()
    ended_as = "relisted" if is_relisted else "expired" if has_started else "sold_est"
    ends = {"last_seen_at": last["captured_at"].to_pydatetime(), "gone_at": gone_at.to_pydatetime()}
    return row | ends | {"ended_as": ended_as}


def _events(lines: Iterable[dict[str, Any]]) -> Iterable[tuple[int, pd.Series, pd.DataFrame]]:
    """For each event, its captures in time order and all observations, prices in whole cents."""
    captured: dict[int, list[tuple[datetime, list[dict[str, str]]]]] = {}
    for line in lines:
        at = datetime.fromisoformat(line["captured_at"])
        captured.setdefault(line["event_id"], []).append((at, line["body"]["tickets"]))
    for event_id, bodies in captured.items():
        bodies.sort(key=lambda body: body[0])
        captures = pd.Series(pd.to_datetime([at for at, _ in bodies], utc=True))
        observations = pd.DataFrame(
            [_observation(at, ticket) for at, tickets in bodies for ticket in tickets],
            columns=[
                *("captured_at", "id", "section", "row", "zone", "section_id"),
                *("quantity", "price", "all_in", "is_pair", "ticket"),
            ],
        )
        observations["captured_at"] = pd.to_datetime(observations["captured_at"], utc=True)
        yield event_id, captures, observations


def _observation(at: datetime, ticket: dict[str, Any]) -> tuple[Any, ...]:
    all_in = ticket.get("aip")
    return (
        at,
        ticket["i"],
        ticket.get("s", "(no section)"),
        ticket.get("r", "(no row)"),
        ticket.get("c", ""),
        ticket.get("d", ""),
        int(ticket["q"]),
        int(Decimal(str(ticket["p"])) * 100),
        int(Decimal(str(all_in)) * 100) if all_in else None,
        "2" in str(ticket.get("m", "")).split(","),
        ticket,
    )


def _counts(captures: pd.Series, seen: pd.DataFrame) -> Row:
    row: Row = {
        "captures": len(captures),
        "first_captured_at": captures.min().to_pydatetime(),
        "last_captured_at": captures.max().to_pydatetime(),
    }
    listings = seen.groupby("captured_at").size().reindex(captures, fill_value=0)
    tickets = seen.groupby("captured_at")["quantity"].sum().reindex(captures, fill_value=0)
    for name, counts in (("listings", listings), ("tickets", tickets)):
        row[f"{name}_avg"] = _mean(counts, cents=False)
        row[f"{name}_open"] = int(counts.iloc[0])
        row[f"{name}_close"] = int(counts.iloc[-1])
    return row


def _prices(captures: pd.Series, seen: pd.DataFrame) -> Row:
    row: Row = {}
    for prefix, column in (("", "price"), ("all_in_", "all_in")):
        priced = seen[seen[column].notna()]
        get_ins = priced.groupby("captured_at")[column].min().reindex(captures).dropna()
        in_order = sorted(int(price) for price in priced[column])
        row[f"{prefix}get_in_open"] = _dollars(get_ins.iloc[0] if len(get_ins) else None)
        row[f"{prefix}get_in_high"] = _dollars(get_ins.max() if len(get_ins) else None)
        row[f"{prefix}get_in_low"] = _dollars(get_ins.min() if len(get_ins) else None)
        row[f"{prefix}get_in_close"] = _dollars(get_ins.iloc[-1] if len(get_ins) else None)
        for name, fraction in (("p25", 0.25), ("median", 0.5), ("p75", 0.75)):
            row[f"{prefix}price_{name}"] = _dollars(_percentile(in_order, fraction))
        row[f"{prefix}price_avg"] = _mean(in_order)
        low, high = _percentile(in_order, 0.05), _percentile(in_order, 0.95)
        row[f"{prefix}price_avg_trimmed"] = _mean([price for price in in_order if low <= price <= high])
        row[f"{prefix}price_max"] = _dollars(in_order[-1] if in_order else None)
    pairs = seen[seen["is_pair"]]["price"]
    row["pair_get_in"] = _dollars(pairs.min() if len(pairs) else None)
    return row


_FLOWS = (
    "listings_added",
    "listings_gone",
    "listings_relisted",
    "listings_repriced_up",
    "listings_repriced_down",
    "tickets_gone",
    "tickets_sold_est",
    "sold_value_est",
)


def _flows(captures: pd.Series, observations: pd.DataFrame, starts_at: datetime | None) -> pd.DataFrame:
    """What became of a listing at a capture, but for the first, and where that counts; sold_value_est in cents."""
    books = {at: book.set_index("id") for at, book in observations.groupby("captured_at")}
    empty = observations.iloc[:0].set_index("id")
    start = _NEVER if starts_at is None else pd.Timestamp(starts_at)
    flows = [
        {"captured_at": at, **flow}
        for before, at in zip(captures.iloc[:-1], captures.iloc[1:], strict=True)
        for flow in _step(books.get(before, empty), books.get(at, empty), is_sale=at < start)
    ]
    found = pd.DataFrame(flows, columns=["captured_at", "id", "zone", "section_id", *_FLOWS])
    found[list(_FLOWS)] = found[list(_FLOWS)].fillna(0).astype("int64")
    found["captured_at"] = pd.to_datetime(found["captured_at"], utc=True)
    return found


def _step(before: pd.DataFrame, after: pd.DataFrame, *, is_sale: bool) -> Iterator[Row]:
    gone, added = before.loc[before.index.difference(after.index)], after.loc[after.index.difference(before.index)]
    relisted: set[str] = set()
    for place, leaving in gone.groupby(["section", "row"]):
        coming = added[(added["section"] == place[0]) & (added["row"] == place[1])]
        pairs = min(len(leaving), len(coming))
        relisted |= {*sorted(leaving.index, key=str.encode)[:pairs], *sorted(coming.index, key=str.encode)[:pairs]}
    for listing_id, listing in added.iterrows():
        yield _flow(listing_id, listing, listings_added=listing_id not in relisted)
    for listing_id, listing in gone.iterrows():
        lost, is_relisted = listing["quantity"], listing_id in relisted
        sold = lost if is_sale and not is_relisted else 0
        ends = {"listings_gone": not is_relisted, "listings_relisted": is_relisted}
        yield _flow(listing_id, listing, **ends, **_tickets(lost, sold, listing["price"]))
    for listing_id in before.index.intersection(after.index):
        was, now = before.loc[listing_id], after.loc[listing_id]
        lost = max(was["quantity"] - now["quantity"], 0)
        prices = {
            "listings_repriced_up": now["price"] > was["price"],
            "listings_repriced_down": now["price"] < was["price"],
        }
        yield _flow(listing_id, was, **prices, **_tickets(lost, lost if is_sale else 0, was["price"]))


def _flow(listing_id: Any, listing: pd.Series, **flows: Any) -> Row:
    return {"id": listing_id, "zone": listing["zone"], "section_id": listing["section_id"], **flows}


def _tickets(lost: int, sold: int, price: int) -> Row:
    return {"tickets_gone": lost, "tickets_sold_est": sold, "sold_value_est": sold * price}


def _sum_of_flows(flows: pd.DataFrame, *, has_flows: bool) -> Row:
    if not has_flows:
        return dict.fromkeys(_FLOWS)
    sums = {name: int(flows[name].sum()) for name in _FLOWS}
    return sums | {"sold_value_est": _dollars(sums["sold_value_est"])}


def _percentile(in_order: list[int], fraction: float) -> int | None:
    """percentile_disc: the value in row ceil(fraction * n)."""
    return in_order[max(math.ceil(fraction * len(in_order)), 1) - 1] if in_order else None


def _dollars(cents: float | None) -> Decimal | None:
    return None if cents is None else (Decimal(int(cents)) / 100).quantize(_CENT)


def _mean(values: Any, *, cents: bool = True) -> Decimal | None:
    numbers = [int(value) for value in values]
    if not numbers:
        return None
    # 60 digits: the quotient's own rounding can never meet a tie.
    mean = Decimal(sum(numbers)) / Decimal(len(numbers) * (100 if cents else 1))
    return mean.quantize(_CENT, rounding=ROUND_HALF_UP)
