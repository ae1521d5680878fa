-- The histogram of a book's prices: bins of one width from the lowest price on, the last one open to the dearest.
-- depends_on: {{ ref('dim_events') }}
-- depends_on: {{ source('raw', 'snapshots') }}

with asked as (
    select
        p_event_id as event_id,
        p_at as at,
        p_price as price,
        p_bins as bins,
        (p_up_to_price * 100)::bigint as up_to_cents
),

prices as (
    select
        book.captured_at,
        book.listings,
        book.tickets,
        case asked.price when 'all_in' then book.all_in_cents else book.price_cents end as cents
    from asked
    cross join aggregates.prices_at(asked.event_id, asked.at) as book
),

priced as (
    select
        *,
        sum(listings) over (order by cents) as listings_up_to,
        sum(listings) over () as listings_in_all
    from prices
    where cents is not null
),

-- Unless said, the open bin begins at the 95th percentile: one fantastic price would make all others one bin.
edges as (
    select
        asked.bins,
        min(priced.captured_at) as captured_at,
        min(priced.cents) as lowest_cents,
        greatest(
            coalesce(
                min(asked.up_to_cents),
                min(priced.cents) filter (where priced.listings_up_to >= ceil(0.95 * priced.listings_in_all))
            ) - min(priced.cents),
            asked.bins
        ) as span_cents
    from asked
    cross join priced
    group by asked.bins
),

sized as (
    select
        *,
        ceil(span_cents::numeric / greatest(bins - 1, 1))::bigint as width_cents
    from edges
),

-- Materialized, or where a bin begins would be worked out anew for every price: 8 ms of 18.
bins as materialized (
    select
        numbers.bin,
        sized.captured_at,
        sized.lowest_cents + (numbers.bin - 1) * sized.width_cents as from_cents,
        case when numbers.bin < sized.bins then sized.lowest_cents + numbers.bin * sized.width_cents end as to_cents
    from sized
    cross join generate_series(1, sized.bins) as numbers (bin)
),

final as (
    select
        bins.bin,
        {{ dollars('bins.from_cents') }} as from_price,
        {{ dollars('bins.to_cents') }} as to_price,
        coalesce(sum(priced.listings), 0)::integer as listings,
        coalesce(sum(priced.tickets), 0)::integer as tickets,
        bins.captured_at
    from bins
    left join priced
        on priced.cents >= bins.from_cents and (bins.to_cents is null or priced.cents < bins.to_cents)
    group by bins.bin, bins.from_cents, bins.to_cents, bins.captured_at
    order by bins.bin
)

select * from final
