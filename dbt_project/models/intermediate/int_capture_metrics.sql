-- What the metrics of a window say of each of its captures: counts, get-in prices and flows. The first capture of an
-- event has no flows: they are null.

with captures as (
    select * from {{ ref('int_captures') }}
),

states as (
    select * from {{ ref('int_listing_states') }}
),

flows as (
    select * from {{ ref('int_listing_flows') }}
),

get_ins as (
    select
        states.read_number,
        seen.capture_number,
        min(states.price_cents) as get_in_cents,
        min(states.all_in_cents) as all_in_get_in_cents
    from states
    cross join lateral generate_series(states.first_capture_number, states.last_capture_number) as seen (capture_number)
    group by states.read_number, seen.capture_number
),

capture_flows as (
    select
        read_number,
        capture_number,
        count(*) filter (where is_added) as listings_added,
        count(*) filter (where is_gone) as listings_gone,
        count(*) filter (where is_relisted) as listings_relisted,
        count(*) filter (where is_repriced_up) as listings_repriced_up,
        count(*) filter (where is_repriced_down) as listings_repriced_down,
        sum(tickets_gone) as tickets_gone,
        sum(tickets_sold_est) as tickets_sold_est,
        sum(tickets_sold_est * price_cents_before::bigint) as sold_value_est_cents
    from flows
    group by read_number, capture_number
),

final as (
    select
        -- ids
        captures.read_number,
        captures.capture_number,
        captures.event_id,

        -- numerics
        captures.listing_count,
        captures.ticket_count,
        captures.interval_seconds,
        get_ins.get_in_cents,
        get_ins.all_in_get_in_cents,
        {% for flow in [
            'listings_added', 'listings_gone', 'listings_relisted', 'listings_repriced_up', 'listings_repriced_down',
            'tickets_gone', 'tickets_sold_est', 'sold_value_est_cents',
        ] -%}
        case when not captures.is_first_of_event then coalesce(capture_flows.{{ flow }}, 0) end as {{ flow }},
        {% endfor %}
        -- timestamps
        captures.captured_at
    from captures
    left join get_ins using (read_number, capture_number)
    left join capture_flows using (read_number, capture_number)
)

select * from final
