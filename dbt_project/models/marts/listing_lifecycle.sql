-- The life of every listing, put together from the days on which something happened to it. A run looks at the listings
-- whose days have changed, and takes them off the list when their lives are written.
{{
    config(
        incremental_strategy='replace_touched_listings',
        unique_key=['event_id', 'source_listing_id'],
        tags=['ledger'],
        meta={'api_roles': ['authenticated', 'service_role']},
        indexes=[{'columns': ['event_id', 'gone_at']}, {'columns': ['gone_at', 'event_id', 'source_listing_id']}],
        post_hook="delete from {{ ref('int_changed_listings') }}",
    )
}}
-- depends_on: {{ ref('int_changed_listings') }}

with listing_days as (
    select * from {{ ref('int_listing_days') }}
),

touched as (
    {{ touched_listings() }}
),

-- A listing at a time, by the index: what is read of days gone by is only theirs. A day on which only the capture
-- before it saw the listing says nothing of how it began.
lives as (
    select
        touched.event_id,
        touched.source_listing_id,
        life.*
    from touched
    cross join lateral (
        select
            min(days.first_seen_at) as first_seen_at,
            min(days.lowest_price_cents) as lowest_price_cents,
            {% for first in ['first_quantity', 'first_price_cents'] -%}
            (
                array_agg(days.{{ first }} order by days.day)
                filter (where days.first_seen_at is not null)
            )[1] as {{ first }},
            {% endfor -%}
            {% for last in [
                'last_quantity', 'last_price_cents', 'zone_id', 'section_id', 'section', 'seat_row', 'ended_as',
                'last_seen_at', 'gone_at',
            ] -%}
            (array_agg(days.{{ last }} order by days.day desc))[1] as {{ last }},
            {% endfor -%}
            sum(days.price_changes)::integer as price_changes
        from listing_days as days
        where
            touched.event_id = days.event_id
            and touched.source_listing_id = days.source_listing_id
    ) as life
),

final as (
    select
        -- ids
        event_id,
        source_listing_id,
        zone_id,
        section_id,

        -- strings
        section,
        seat_row,
        coalesce(ended_as, 'active') as ended_as,

        -- numerics
        first_quantity,
        last_quantity,
        {{ dollars('first_price_cents') }} as first_price,
        {{ dollars('lowest_price_cents') }} as lowest_price,
        {{ dollars('last_price_cents') }} as last_price,
        price_changes,

        -- timestamps
        first_seen_at,
        last_seen_at,
        gone_at
    from lives
    where first_seen_at is not null
)

select * from final
