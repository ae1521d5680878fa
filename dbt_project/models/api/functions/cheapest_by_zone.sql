-- What is asked in each zone of a book, the cheapest zone first.
-- depends_on: {{ ref('dim_events') }}
-- depends_on: {{ source('raw', 'snapshots') }}

with asked as (
    select
        p_event_id as event_id,
        p_at as at
),

prices as (
    select book.*
    from asked
    cross join aggregates.prices_at(asked.event_id, asked.at) as book
),

zones as (
    select zone.*
    from asked
    cross join aggregates.zones_at(asked.event_id, asked.at) as zone
),

by_zone as (
    select
        zone_id,
        sum(listings)::integer as listings,
        sum(tickets)::integer as tickets,
        min(price_cents) as get_in_cents,
        min(all_in_cents) as all_in_get_in_cents,
        min(price_cents) filter (where can_be_pair) as pair_get_in_cents,
        min(captured_at) as captured_at
    from prices
    group by zone_id
),

final as (
    select
        by_zone.zone_id,
        zones.zone_name,
        by_zone.listings,
        by_zone.tickets,
        {{ dollars('by_zone.get_in_cents') }} as get_in,
        {{ dollars('by_zone.all_in_get_in_cents') }} as all_in_get_in,
        {{ dollars('by_zone.pair_get_in_cents') }} as pair_get_in,
        by_zone.captured_at
    from by_zone
    left join zones on by_zone.zone_id = zones.zone_id
    order by by_zone.get_in_cents asc, by_zone.zone_id asc nulls last
)

select * from final
