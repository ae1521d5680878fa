-- What two tickets together cost at least in the newest capture of an event, beside what one does.
-- depends_on: {{ ref('dim_events') }}
-- depends_on: {{ source('raw', 'snapshots') }}

with asked as (
    select p_event_id as event_id
),

captures as (
    select aggregates.newest_capture_at(asked.event_id, 'infinity') as captured_at
    from asked
),

prices as (
    select book.*
    from asked
    cross join aggregates.prices_at(asked.event_id, 'infinity') as book
),

book as (
    select
        coalesce(sum(listings), 0)::integer as listings,
        coalesce(sum(listings) filter (where can_be_pair), 0)::integer as pair_listings,
        min(price_cents) as get_in_cents,
        min(all_in_cents) as all_in_get_in_cents,
        min(price_cents) filter (where can_be_pair) as pair_get_in_cents,
        min(all_in_cents) filter (where can_be_pair) as all_in_pair_get_in_cents
    from prices
),

final as (
    select
        {{ dollars('book.pair_get_in_cents') }} as pair_get_in,
        {{ dollars('book.all_in_pair_get_in_cents') }} as all_in_pair_get_in,
        {{ dollars('book.get_in_cents') }} as get_in,
        {{ dollars('book.all_in_get_in_cents') }} as all_in_get_in,
        book.pair_listings,
        book.listings,
        captures.captured_at
    from captures
    cross join book
    where captures.captured_at is not null
)

select * from final
