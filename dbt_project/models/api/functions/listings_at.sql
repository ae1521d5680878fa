-- The listings of an event as its newest capture at or before an instant saw them, the cheapest first.
-- depends_on: {{ ref('dim_events') }}
-- depends_on: {{ source('raw', 'snapshots') }}

with asked as (
    select
        p_event_id as event_id,
        p_at as at,
        p_after_source_listing_id as after_source_listing_id,
        (p_after_price * 100)::bigint as after_price_cents
),

book as (
    select
        listings.*,
        asked.after_price_cents,
        asked.after_source_listing_id
    from asked
    cross join raw.listings_at(asked.event_id, asked.at) as listings
),

final as (
    select
        {{ listing_columns() }},
        {{ dollars('price_cents') }} as price,
        {{ dollars('all_in_cents') }} as all_in_price,
        captured_at
    from book
    where
        after_price_cents is null
        or (price_cents, source_listing_id collate "C") > (after_price_cents, after_source_listing_id collate "C")
    order by price_cents asc, source_listing_id collate "C" asc
)

select * from final
