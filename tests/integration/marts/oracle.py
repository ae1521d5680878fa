"""Every metric of the contract computed a second way: in pandas, from the recorded bodies alone.

It shares no code and no SQL with the project, and spells out what the project never does: every observation as a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

Row = dict[str, Any]
Windows = dict[tuple[int, datetime], Row]
"""Metrics by event and start of the window."""
_CENT = Decimal("0.01")
_NEVER = pd.Timestamp.max.tz_localize("UTC")


def windows(
    lines: Iterable[dict[str, Any]], starts: Mapping[int, datetime | None], interval_seconds: int
) -> tuple[Windows, Windows]:
    """The metrics of every event and UTC hour, and of every event and UTC day."""
    hours: Windows = {}
    days: Windows = {}
    for event_id, captures, observations in _events(lines):
        flows = _flows(captures, observations, starts.get(event_id))
        for found, frequency, length in ((hours, "h", timedelta(hours=1)), (days, "D", timedelta(days=1))):
            for start, in_window in captures.groupby(captures.dt.floor(frequency)):
                seen = observations[observations["captured_at"].isin(in_window)]
                row = _counts(in_window, seen) | _prices(in_window, seen) | _sum_of_flows(in_window, flows)
                row["captures_expected"] = round(length.total_seconds() / interval_seconds)
                found[event_id, start.to_pydatetime()] = row
    return hours, days


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
            columns=["captured_at", "id", "section", "row", "quantity", "price", "all_in", "is_pair"],
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
        int(ticket["q"]),
        int(Decimal(str(ticket["p"])) * 100),
        int(Decimal(str(all_in)) * 100) if all_in else None,
        "2" in str(ticket.get("m", "")).split(","),
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
    """The flows of every capture but the first; sold_value_est in cents."""
    books = {at: book.set_index("id") for at, book in observations.groupby("captured_at")}
    empty = observations.iloc[:0].set_index("id")
    start = _NEVER if starts_at is None else pd.Timestamp(starts_at)
    steps = {
        at: _step(books.get(before, empty), books.get(at, empty), is_sale=at < start)
        for before, at in zip(captures.iloc[:-1], captures.iloc[1:], strict=True)
    }
    return pd.DataFrame.from_dict(steps, orient="index", columns=list(_FLOWS))


def _step(before: pd.DataFrame, after: pd.DataFrame, *, is_sale: bool) -> list[int]:
    gone, added = before.loc[before.index.difference(after.index)], after.loc[after.index.difference(before.index)]
    relisted = []
    for place, leaving in gone.groupby(["section", "row"]):
        coming = added[(added["section"] == place[0]) & (added["row"] == place[1])]
        relisted += sorted(leaving.index, key=str.encode)[: len(coming)]
    moving = ["quantity", "price"]
    both = before[moving].merge(after[moving], left_index=True, right_index=True, suffixes=("", "_after"))
    lost = (both["quantity"] - both["quantity_after"]).clip(lower=0)
    sold = gone.drop(index=relisted)
    return [
        len(added) - len(relisted),
        len(gone) - len(relisted),
        len(relisted),
        int((both["price_after"] > both["price"]).sum()),
        int((both["price_after"] < both["price"]).sum()),
        int(gone["quantity"].sum() + lost.sum()),
        int(sold["quantity"].sum() + lost.sum()) if is_sale else 0,
        int((sold["quantity"] * sold["price"]).sum() + (lost * both["price"]).sum()) if is_sale else 0,
    ]


def _sum_of_flows(captures: pd.Series, flows: pd.DataFrame) -> Row:
    in_window = flows[flows.index.isin(captures)]
    if in_window.empty:
        return dict.fromkeys(_FLOWS)
    sums = {name: int(in_window[name].sum()) for name in _FLOWS}
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
