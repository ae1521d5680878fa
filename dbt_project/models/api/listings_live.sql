-- The listings of every event's newest capture, straight from raw: they need not wait for a build.

with heads as (
    select
        event_id,
        captured_at
    from {{ source('raw', 'heads') }}
    where captured_at is not null
),

listings as (
    select
        heads.event_id,
        book.*
    from heads
    cross join raw.listings_at(heads.event_id, heads.captured_at) as book
),

final as (
    select
        event_id,
        {{ listing_columns() }},
        {{ dollars('price_cents') }} as price,
        {{ dollars('all_in_cents') }} as all_in_price,
        captured_at
    from listings
)

select * from final
