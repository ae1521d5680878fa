-- Every metric of the contract for every window that this run rebuilds and that has a capture: of the whole event, and
-- of each part of it that has an observation or a flow there.

with windows as (
    select * from {{ ref('int_windows') }}
),

captures as (
    select * from {{ ref('int_captures') }}
),

books as (
    select * from {{ ref('int_part_books') }}
),

flows as (
    select * from {{ ref('int_window_flows') }}
),

prices as (
    select * from {{ ref('int_window_prices') }}
),

window_captures as (
    select
        windows.window_number,
        windows.read_number,
        windows.grain,
        windows.event_id,
        windows.window_start_at,
        windows.window_end_at,
        count(*) as captures,
        (array_agg(captures.interval_seconds order by captures.captured_at desc))[1] as interval_seconds,
        min(captures.capture_number) as first_capture_number,
        max(captures.capture_number) as last_capture_number,
        min(captures.captured_at) as first_captured_at,
        max(captures.captured_at) as last_captured_at,
        not bool_and(captures.is_first_of_event) as has_flows
    from windows
    inner join captures
        on
            windows.read_number = captures.read_number
            and captures.captured_at >= windows.window_start_at
            and captures.captured_at < windows.window_end_at
    group by
        windows.window_number,
        windows.read_number,
        windows.grain,
        windows.event_id,
        windows.window_start_at,
        windows.window_end_at
),

window_books as (
    select
        w.window_number,
        {% for counted in ['listing', 'ticket'] -%}
        sum(
            books.{{ counted }}_count::bigint * (
                least(books.last_capture_number, w.last_capture_number)
                - greatest(books.first_capture_number, w.first_capture_number) + 1
            )
        ) as {{ counted }}s_total,
        sum(books.{{ counted }}_count) filter (
            where books.first_capture_number <= w.first_capture_number
        ) as {{ counted }}s_open,
        sum(books.{{ counted }}_count) filter (
            where books.last_capture_number >= w.last_capture_number
        ) as {{ counted }}s_close,
        {% endfor -%}
        {% for prefix in ['', 'all_in_'] -%}
        (
            array_agg(books.{{ prefix }}get_in_cents order by books.first_capture_number)
            filter (where books.{{ prefix }}get_in_cents is not null)
        )[1] as {{ prefix }}get_in_open_cents,
        max(books.{{ prefix }}get_in_cents) as {{ prefix }}get_in_high_cents,
        min(books.{{ prefix }}get_in_cents) as {{ prefix }}get_in_low_cents,
        (
            array_agg(books.{{ prefix }}get_in_cents order by books.first_capture_number desc)
            filter (where books.{{ prefix }}get_in_cents is not null)
        )[1] as {{ prefix }}get_in_close_cents,
        {% endfor -%}
        books.part,
        books.part_id
    from window_captures as w
    inner join books
        on
            w.read_number = books.read_number
            and w.first_capture_number <= books.last_capture_number
            and w.last_capture_number >= books.first_capture_number
    where {{ is_measured('books.part', 'w.grain') }}
    group by w.window_number, books.part, books.part_id
),

window_parts as (
    select
        window_number,
        'event' as part,
        '' as part_id
    from window_captures
    union
    select
        window_number,
        part,
        part_id
    from window_books
    union
    select
        window_number,
        part,
        part_id
    from flows
),

final as (
    select
        -- ids
        w.window_number,
        w.event_id,
        p.part_id,

        -- strings
        w.grain,
        p.part,

        -- numerics
        w.captures::integer as captures,
        round(
            extract(epoch from w.window_end_at - w.window_start_at) / w.interval_seconds
        )::integer as captures_expected,
        {% for counted in ['listings', 'tickets'] -%}
        {{ exact_mean('coalesce(b.' ~ counted ~ '_total, 0)', 'w.captures') }} as {{ counted }}_avg,
        coalesce(b.{{ counted }}_open, 0)::integer as {{ counted }}_open,
        coalesce(b.{{ counted }}_close, 0)::integer as {{ counted }}_close,
        {% endfor -%}
        {% for prefix, kind in [('', 'price'), ('all_in_', 'all_in')] -%}
        {{ dollars('b.' ~ prefix ~ 'get_in_open_cents') }} as {{ prefix }}get_in_open,
        {{ dollars('b.' ~ prefix ~ 'get_in_high_cents') }} as {{ prefix }}get_in_high,
        {{ dollars('b.' ~ prefix ~ 'get_in_low_cents') }} as {{ prefix }}get_in_low,
        {{ dollars('b.' ~ prefix ~ 'get_in_close_cents') }} as {{ prefix }}get_in_close,
        {{ dollars(kind ~ '.p25_cents') }} as {{ prefix }}price_p25,
        {{ dollars(kind ~ '.median_cents') }} as {{ prefix }}price_median,
        {{ dollars(kind ~ '.p75_cents') }} as {{ prefix }}price_p75,
        {{ exact_mean_dollars(kind ~ '.total_cents', kind ~ '.observations') }} as {{ prefix }}price_avg,
        {{ exact_mean_dollars(kind ~ '.trimmed_total_cents', kind ~ '.trimmed_observations') }}
            as {{ prefix }}price_avg_trimmed,
        {{ dollars(kind ~ '.max_cents') }} as {{ prefix }}price_max,
        {% endfor -%}
        {{ dollars('price.pair_get_in_cents') }} as pair_get_in,
        {% for flow in [
            'listings_added', 'listings_gone', 'listings_relisted', 'listings_repriced_up', 'listings_repriced_down',
            'tickets_gone', 'tickets_sold_est',
        ] -%}
        case when w.has_flows then coalesce(flows.{{ flow }}, 0) end as {{ flow }},
        {% endfor -%}
        (
            case when w.has_flows then coalesce(flows.sold_value_est_cents, 0) end / 100.0
        )::numeric(16, 2) as sold_value_est,

        -- timestamps
        w.window_start_at,
        w.first_captured_at,
        w.last_captured_at
    from window_captures as w
    inner join window_parts as p on w.window_number = p.window_number
    left join window_books as b
        on p.window_number = b.window_number and p.part = b.part and p.part_id = b.part_id
    left join flows
        on p.window_number = flows.window_number and p.part = flows.part and p.part_id = flows.part_id
    left join prices as price
        on
            p.window_number = price.window_number
            and p.part = price.part
            and p.part_id = price.part_id
            and price.kind = 'price'
    left join prices as all_in
        on
            p.window_number = all_in.window_number
            and p.part = all_in.part
            and p.part_id = all_in.part_id
            and all_in.kind = 'all_in'
)

select * from final
