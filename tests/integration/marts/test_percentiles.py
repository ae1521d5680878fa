"""Percentiles over counted prices are PostgreSQL's percentile_disc over the prices spelled out."""

from __future__ import annotations

import numpy as np

from tests.integration.marts.warehouse import Warehouse

_WINDOWS = 600


def test_counted_percentiles_are_those_of_percentile_disc(fresh_warehouse: Warehouse) -> None:
    fresh_warehouse.build()
    fresh_warehouse.execute("insert into intermediate.int_parts (part_number, part, part_id) values (1, 'event', '')")
    random = np.random.default_rng(5)
    # Every number of observations from 1 to 600, because percentiles of two sizes may differ by rounding alone.
    for observations in range(1, _WINDOWS + 1):
        counts = random.multinomial(observations, random.dirichlet(np.ones(random.integers(1, 40))))
        fresh_warehouse.execute(
            """
            insert into intermediate.int_window_states
                (window_number, part_number, price_cents, all_in_cents, capture_count, can_be_pair)
            select %s, 1, s.price_cents, nullif(s.price_cents %% 7, 0), s.capture_count, false
            from unnest(%s::integer[], %s::integer[]) as s (price_cents, capture_count)
            where s.capture_count > 0
            """,
            [observations, random.integers(1, 60, len(counts)).tolist(), counts.tolist()],
        )

    fresh_warehouse.build("--select=int_window_prices")

    for kind in ("price", "all_in"):
        assert (
            fresh_warehouse.value("select count(*) from intermediate.int_window_prices where kind = %s", [kind]) > 500
        )
        differences = fresh_warehouse.rows(
            f"""
            with spelled_out as (
                select s.window_number, s.{kind}_cents as cents
                from intermediate.int_window_states as s
                cross join lateral generate_series(1, s.capture_count)
                where s.{kind}_cents is not null
            ),

            truth as (
                select
                    window_number,
                    count(*) as observations,
                    percentile_disc(array[0.05, 0.25, 0.5, 0.75, 0.95]) within group (order by cents) as p
                from spelled_out
                group by window_number
            ),

            trimmed as (
                select t.window_number, count(*) as observations, sum(s.cents) as total_cents
                from truth as t
                inner join spelled_out as s on t.window_number = s.window_number and s.cents between t.p[1] and t.p[5]
                group by t.window_number
            )

            select *
            from truth as t
            inner join trimmed as i using (window_number)
            full join (select * from intermediate.int_window_prices where kind = '{kind}') as m using (window_number)
            where
                (t.observations, t.p[2], t.p[3], t.p[4], i.observations, i.total_cents) is distinct from
                (m.observations, m.p25_cents, m.median_cents, m.p75_cents, m.trimmed_observations,
                m.trimmed_total_cents)
            """
        )
        assert differences == []
