-- Do raw and marts.event_hourly say the same of a sample of hours? A row an hour, with every metric in which they
-- differ as [what the mart says, what raw says]. $1: the seed of the sample; $2: how many hours to draw.
--
-- It shares nothing with the models but raw's own functions: observations are spelled out, books are compared with the
-- books before them, percentiles are PostgreSQL's. It is one statement, which sees one instant of the database: a
-- capture that lands meanwhile is either in raw and in the ledger, or in neither.

-- Half of the sample is of an event's last day, where what is served most comes from; half of all its history. An hour
-- is drawn by an instant: that of the newest capture, or of the newest row of the mart, at or before it. So an hour
-- that only one of them knows is drawn, too.
with draws as (
    select
        n.draw,
        ('x' || left(md5($1::text || ' event ' || n.draw), 8))::bit(32)::bigint / 4294967296.0 as event_share,
        ('x' || left(md5($1::text || ' instant ' || n.draw), 8))::bit(32)::bigint / 4294967296.0 as instant_share
    from generate_series(1, $2::integer) as n (draw)
),

events as materialized (
    select
        h.event_id,
        h.captured_at as last_captured_at,
        row_number() over (order by h.event_id) as event_number,
        count(*) over () as event_count
    from raw.heads as h
    where h.captured_at is not null
),

instants as materialized (
    select
        e.event_id,
        began.at + (e.last_captured_at + interval '1 hour' - began.at) * d.instant_share::double precision as at
    from draws as d
    inner join events as e on e.event_number = floor(d.event_share * e.event_count) + 1
    cross join lateral (
        select
            case
                when d.draw % 2 = 0 then greatest(s.captured_at, e.last_captured_at - interval '24 hours')
                else s.captured_at
            end as at
        from raw.snapshots as s
        where s.event_id = e.event_id
        order by s.captured_at asc
        limit 1
    ) as began
),

drawn as (
    select
        i.event_id,
        date_trunc('hour', newest.captured_at, 'UTC') as hour
    from instants as i
    cross join
        lateral (
            select s.captured_at
            from raw.snapshots as s
            where s.event_id = i.event_id and s.captured_at <= i.at
            order by s.captured_at desc
            limit 1
        ) as newest
    union
    select
        i.event_id,
        newest.hour
    from instants as i
    cross join lateral (
        select m.hour
        from marts.event_hourly as m
        where m.event_id = i.event_id and m.hour <= i.at
        order by m.hour desc
        limit 1
    ) as newest
),

-- An hour in the ledger waits for a build. So do the hours that a start which has moved since the last build changes:
-- it is that build which marks them. Of hours whose captures were dropped, or compared with such, raw cannot tell.
windows as materialized (
    select
        row_number() over (order by d.event_id, d.hour) as window_number,
        d.event_id,
        d.hour,
        d.hour + interval '1 hour' as end_at,
        production.starts_at,
        before.captured_at as captured_before_at
    from drawn as d
    left join intermediate.int_event_starts as used on d.event_id = used.event_id
    left join lateral (
        select p.starts_at
        from raw.productions as p
        where p.event_id = d.event_id
        order by p.observed_at desc
        limit 1
    ) as production on true
    left join lateral (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = d.event_id and s.captured_at < d.hour
        order by s.captured_at desc
        limit 1
    ) as before on true
    where
        used.starts_at is not distinct from production.starts_at
        and not exists (
            select from raw.stale_hours as stale
            where stale.event_id = d.event_id and stale.hour_at = d.hour
        )
        and not exists (
            select from raw.dropped_captures as dropped
            where dropped.event_id = d.event_id and dropped.whole_from_at > d.hour
        )
),

captures as materialized (
    select
        w.window_number,
        s.captured_at,
        s.interval_seconds,
        coalesce(
            lag(s.captured_at) over (partition by w.window_number order by s.captured_at), w.captured_before_at
        ) as captured_before_at,
        w.starts_at is null or s.captured_at < w.starts_at as is_before_start
    from windows as w
    inner join raw.snapshots as s
        on w.event_id = s.event_id and s.captured_at >= w.hour and s.captured_at < w.end_at
),

-- With the book before the window's first, which its flows begin at.
observations as materialized (
    select
        w.window_number,
        o.captured_at,
        o.captured_at >= w.hour as is_in_window,
        o.source_listing_id,
        o.section,
        o.seat_row,
        o.quantity::integer as quantity,
        o.price_cents,
        o.all_in_cents,
        2 = any(o.splits) as can_be_pair
    from windows as w
    cross join lateral raw.observations(w.event_id, coalesce(w.captured_before_at, w.hour), w.end_at) as o
),

by_capture as (
    select
        c.window_number,
        c.captured_at,
        c.interval_seconds,
        c.captured_before_at,
        count(o.source_listing_id) as listings,
        coalesce(sum(o.quantity), 0) as tickets,
        min(o.price_cents) as get_in_cents,
        min(o.all_in_cents) as all_in_get_in_cents
    from captures as c
    left join observations as o on c.window_number = o.window_number and c.captured_at = o.captured_at
    group by c.window_number, c.captured_at, c.interval_seconds, c.captured_before_at
),

counts as (
    select
        window_number,
        count(*) as captures,
        round(3600.0 / (array_agg(interval_seconds order by captured_at desc))[1]) as captures_expected,
        round(avg(listings), 2) as listings_avg,
        (array_agg(listings order by captured_at))[1] as listings_open,
        (array_agg(listings order by captured_at desc))[1] as listings_close,
        round(avg(tickets), 2) as tickets_avg,
        (array_agg(tickets order by captured_at))[1] as tickets_open,
        (array_agg(tickets order by captured_at desc))[1] as tickets_close,
        (
            array_agg(get_in_cents / 100.0 order by captured_at)
            filter (where get_in_cents is not null)
        )[1] as get_in_open,
        max(get_in_cents) / 100.0 as get_in_high,
        min(get_in_cents) / 100.0 as get_in_low,
        (
            array_agg(get_in_cents / 100.0 order by captured_at desc)
            filter (where get_in_cents is not null)
        )[1] as get_in_close,
        (
            array_agg(all_in_get_in_cents / 100.0 order by captured_at)
            filter (where all_in_get_in_cents is not null)
        )[1] as all_in_get_in_open,
        max(all_in_get_in_cents) / 100.0 as all_in_get_in_high,
        min(all_in_get_in_cents) / 100.0 as all_in_get_in_low,
        (
            array_agg(all_in_get_in_cents / 100.0 order by captured_at desc)
            filter (where all_in_get_in_cents is not null)
        )[1] as all_in_get_in_close,
        min(captured_at) as first_captured_at,
        max(captured_at) as last_captured_at,
        count(captured_before_at) > 0 as has_flows
    from by_capture
    group by window_number
),

limits as (
    select
        window_number,
        percentile_disc(0.05) within group (order by price_cents) as price_p05,
        percentile_disc(0.95) within group (order by price_cents) as price_p95,
        percentile_disc(0.05) within group (order by all_in_cents) as all_in_p05,
        percentile_disc(0.95) within group (order by all_in_cents) as all_in_p95
    from observations
    where is_in_window
    group by window_number
),

prices as (
    select
        o.window_number,
        percentile_disc(0.25) within group (order by o.price_cents) / 100.0 as price_p25,
        percentile_disc(0.5) within group (order by o.price_cents) / 100.0 as price_median,
        percentile_disc(0.75) within group (order by o.price_cents) / 100.0 as price_p75,
        max(o.price_cents) / 100.0 as price_max,
        round(avg(o.price_cents / 100.0), 2) as price_avg,
        round(
            avg(o.price_cents / 100.0) filter (where o.price_cents between l.price_p05 and l.price_p95), 2
        ) as price_avg_trimmed,
        percentile_disc(0.25) within group (order by o.all_in_cents) / 100.0 as all_in_price_p25,
        percentile_disc(0.5) within group (order by o.all_in_cents) / 100.0 as all_in_price_median,
        percentile_disc(0.75) within group (order by o.all_in_cents) / 100.0 as all_in_price_p75,
        max(o.all_in_cents) / 100.0 as all_in_price_max,
        round(avg(o.all_in_cents / 100.0), 2) as all_in_price_avg,
        round(
            avg(o.all_in_cents / 100.0) filter (where o.all_in_cents between l.all_in_p05 and l.all_in_p95), 2
        ) as all_in_price_avg_trimmed,
        min(o.price_cents) filter (where o.can_be_pair) / 100.0 as pair_get_in
    from observations as o
    inner join limits as l on o.window_number = l.window_number
    where o.is_in_window
    group by o.window_number
),

-- The book of every capture beside the book before it, a listing a row.
books_before as (
    select
        c.window_number,
        c.captured_at,
        o.source_listing_id,
        o.section,
        o.seat_row,
        o.quantity,
        o.price_cents
    from captures as c
    inner join observations as o on c.window_number = o.window_number and c.captured_before_at = o.captured_at
),

books_after as (
    select
        c.window_number,
        c.captured_at,
        o.source_listing_id,
        o.section,
        o.seat_row,
        o.quantity,
        o.price_cents
    from captures as c
    inner join observations as o on c.window_number = o.window_number and c.captured_at = o.captured_at
    where c.captured_before_at is not null
),

steps as (
    select
        window_number,
        captured_at,
        source_listing_id,
        b.quantity as quantity_before,
        a.quantity as quantity_after,
        b.price_cents as price_cents_before,
        a.price_cents as price_cents_after,
        coalesce(b.quantity - a.quantity, b.quantity) as quantity_lost,
        case when b.quantity is null then a.section else b.section end as section,
        case when b.quantity is null then a.seat_row else b.seat_row end as seat_row,
        case when a.quantity is null then 'gone' when b.quantity is null then 'added' else 'stays' end as what
    from books_before as b
    full join books_after as a using (window_number, captured_at, source_listing_id)
),

in_order as (
    select
        *,
        row_number() over (
            partition by window_number, captured_at, section, seat_row, what
            order by source_listing_id collate "C"
        ) as place_number,
        count(*) filter (where what = 'gone') over place as gone_there,
        count(*) filter (where what = 'added') over place as added_there
    from steps
    window place as (partition by window_number, captured_at, section, seat_row)
),

-- Within a place as many of the gone are relisted as were added there, the first by id.
judged as (
    select
        *,
        what <> 'stays' and place_number <= least(gone_there, added_there) as is_relisted
    from in_order
),

moves as (
    select
        j.*,
        c.is_before_start and not j.is_relisted as is_sold
    from judged as j
    inner join captures as c on j.window_number = c.window_number and j.captured_at = c.captured_at
),

flows as (
    select
        c.window_number,
        count(*) filter (where m.what = 'added' and not m.is_relisted) as listings_added,
        count(*) filter (where m.what = 'gone' and not m.is_relisted) as listings_gone,
        count(*) filter (where m.what = 'gone' and m.is_relisted) as listings_relisted,
        count(*) filter (where m.price_cents_after > m.price_cents_before) as listings_repriced_up,
        count(*) filter (where m.price_cents_after < m.price_cents_before) as listings_repriced_down,
        coalesce(sum(m.quantity_lost) filter (where m.quantity_lost > 0), 0) as tickets_gone,
        coalesce(sum(m.quantity_lost) filter (where m.is_sold and m.quantity_lost > 0), 0) as tickets_sold_est,
        coalesce(
            sum(m.quantity_lost * m.price_cents_before / 100.0) filter (where m.is_sold and m.quantity_lost > 0), 0
        ) as sold_value_est
    from counts as c
    left join moves as m on c.window_number = m.window_number
    where c.has_flows
    group by c.window_number
),

-- What is missing here is null: prices where there is no listing, flows where there is only the event's first capture.
-- Materialized, since the planner expects one window and would work all this out anew for each of them: of three days
-- just imported, a round stood still for more than five minutes.
truth as materialized (
    select
        c.window_number,
        to_jsonb(c) || coalesce(to_jsonb(p), '{}') || coalesce(to_jsonb(f), '{}') as metrics
    from counts as c
    left join prices as p on c.window_number = p.window_number
    left join flows as f on c.window_number = f.window_number
),

said as (
    select
        w.window_number,
        to_jsonb(h) as metrics
    from windows as w
    inner join marts.event_hourly as h on w.event_id = h.event_id and w.hour = h.hour
),

final as (
    select
        w.event_id,
        w.hour,
        differing.metrics as differences
    from windows as w
    left join truth as t on w.window_number = t.window_number
    left join said as s on w.window_number = s.window_number
    cross join lateral (
        select jsonb_object_agg(metric, jsonb_build_array(mart.value, true_one.value)) as metrics
        from jsonb_each(s.metrics - array['event_id', 'hour']) as mart (metric, value)
        full join jsonb_each(t.metrics - array['window_number', 'has_flows']) as true_one (metric, value)
            using (metric)
        where coalesce(mart.value, 'null') is distinct from coalesce(true_one.value, 'null')
    ) as differing
)

select * from final
order by event_id, hour
