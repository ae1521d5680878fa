-- What a UTC day did to a listing, kept from run to run, so that a listing's life is put together without reading raw
-- again. A row only where something happened: it appeared, vanished, or was another quantity, price or place; a day
-- that only saw it unchanged has none. Nothing in a row moves while captures follow that change nothing.
--
-- How a listing ends is defined here and nowhere else, by the day's last sight of it.
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_listing_days',
        grain='day',
        unique_key=['event_id', 'day', 'source_listing_id'],
        full_refresh=false,
        on_schema_change='fail',
        contract={'enforced': true},
        indexes=[{'columns': ['event_id', 'source_listing_id', 'day']}],
        post_hook='{{ note_listings_of_first_days() }}',
    )
}}
-- depends_on: {{ ref('int_changed_listings') }}

with windows as (
    select * from {{ ref('int_windows') }}
),

captures as (
    select * from {{ ref('int_captures') }}
),

states as (
    select * from {{ ref('int_listing_states') }}
),

flows as (
    select * from {{ ref('int_listing_flows') }}
),

days as (
    select
        read_number,
        event_id,
        (window_start_at at time zone 'UTC')::date as day
    from windows
    where grain = 'day'
),

first_captures as (
    select
        read_number,
        captured_at
    from captures
    where is_first_of_event
),

changes as (
    select
        read_number,
        source_listing_id,
        count(*) filter (where is_repriced_up or is_repriced_down) as price_changes
    from flows
    group by read_number, source_listing_id
    union all
    select
        states.read_number,
        states.source_listing_id,
        0 as price_changes
    from states
    inner join first_captures
        on states.read_number = first_captures.read_number and states.from_at = first_captures.captured_at
),

changed as (
    select
        days.read_number,
        days.event_id,
        days.day,
        changes.source_listing_id,
        sum(changes.price_changes)::integer as price_changes
    from days
    inner join changes on days.read_number = changes.read_number
    group by days.read_number, days.event_id, days.day, changes.source_listing_id
),

-- Each listing in one pass: a join of what two passes say of it has no statistics to be planned by, and took ten times
-- as long. A last sight with the number 0 is that of the capture before the day.
sights as (
    select
        changed.read_number,
        changed.event_id,
        changed.day,
        changed.source_listing_id,
        changed.price_changes,
        min(states.first_capture_number) filter (where states.last_capture_number > 0) as first_capture_number,
        max(states.last_capture_number) as last_capture_number,
        {% for first in ['quantity', 'price_cents'] -%}
        (
            array_agg(states.{{ first }} order by states.first_capture_number)
            filter (where states.last_capture_number > 0)
        )[1] as first_{{ first }},
        {% endfor -%}
        {% for last in ['quantity', 'price_cents', 'zone_id', 'section_id', 'section', 'seat_row'] -%}
        (array_agg(states.{{ last }} order by states.last_capture_number desc))[1] as last_{{ last }},
        {% endfor -%}
        min(states.price_cents) filter (where states.last_capture_number > 0) as lowest_price_cents
    from changed
    inner join states
        on changed.read_number = states.read_number and changed.source_listing_id = states.source_listing_id
    group by
        changed.read_number, changed.event_id, changed.day, changed.source_listing_id, changed.price_changes
),

final as (
    select
        -- ids
        sights.event_id,
        sights.day,
        sights.source_listing_id,
        sights.last_zone_id as zone_id,
        sights.last_section_id as section_id,

        -- strings
        sights.last_section as section,
        sights.last_seat_row as seat_row,
        case
            when ends.captured_at is null then null
            when end_flows.is_relisted then 'relisted'
            when ends.is_before_start then 'sold_est'
            else 'expired'
        end as ended_as,

        -- numerics
        sights.first_quantity::integer as first_quantity,
        sights.last_quantity::integer as last_quantity,
        sights.first_price_cents,
        sights.lowest_price_cents,
        sights.last_price_cents,
        sights.price_changes,

        -- timestamps
        began.captured_at as first_seen_at,
        ends.captured_before_at as last_seen_at,
        ends.captured_at as gone_at
    from sights
    left join captures as began
        on sights.read_number = began.read_number and sights.first_capture_number = began.capture_number
    left join captures as ends
        on sights.read_number = ends.read_number and sights.last_capture_number + 1 = ends.capture_number
    left join flows as end_flows
        on
            sights.read_number = end_flows.read_number
            and sights.source_listing_id = end_flows.source_listing_id
            and ends.capture_number = end_flows.capture_number
)

select * from final
