-- The book of an event and of each of its zones and sections, from one change of it to the next: what the metrics of a
-- window ask of its captures without spelling out which capture saw which listing. A part without a listing has no row.
--
-- Listings and tickets are counted by what comes and goes. The lowest prices are looked for among few: captures are
-- taken in stretches, and a state that is in the book all through a stretch leaves out every dearer one. Comparing
-- each book with all states of its part takes several times as long late in a day, and grows with its square.
{%- set stretch_captures = 12 %}

with parts as (
    select * from {{ ref('int_parts') }}
),

states as not materialized (
    select * from {{ ref('int_part_states') }}
),

changes as (
    select
        part_number,
        first_capture_number as capture_number,
        1 as listings,
        quantity as tickets
    from states
    union all
    select
        part_number,
        last_capture_number + 1 as capture_number,
        -1 as listings,
        -quantity as tickets
    from states
),

changed as (
    select
        part_number,
        capture_number,
        sum(listings) as listings,
        sum(tickets) as tickets
    from changes
    group by part_number, capture_number
),

spans as materialized (
    select
        part_number,
        (capture_number - 1) / {{ stretch_captures }} as stretch,
        capture_number as first_capture_number,
        lead(capture_number) over (
            partition by part_number
            order by capture_number
        ) - 1 as last_capture_number,
        sum(listings) over up_to_here as listing_count,
        sum(tickets) over up_to_here as ticket_count
    from changed
    window
        up_to_here as (
            partition by part_number
            order by capture_number
            rows unbounded preceding
        )
),

pieces as (
    select
        states.part_number,
        stretch,
        greatest(states.first_capture_number, stretch * {{ stretch_captures }} + 1) as first_capture_number,
        least(states.last_capture_number, (stretch + 1) * {{ stretch_captures }}) as last_capture_number,
        states.price_cents,
        states.all_in_cents
    from states
    cross join
        generate_series(
            (states.first_capture_number - 1) / {{ stretch_captures }},
            (states.last_capture_number - 1) / {{ stretch_captures }}
        ) as stretch
),

-- Whole is what lasts from the first to the last capture of the stretch at which the part has any listing.
judged as (
    select
        *,
        first_capture_number = min(first_capture_number) over in_stretch
        and last_capture_number = max(last_capture_number) over in_stretch as is_whole
    from pieces
    window in_stretch as (partition by part_number, stretch)
),

bounded as (
    select
        *,
        min(price_cents) filter (where is_whole) over in_stretch as lowest_price_cents,
        min(all_in_cents) filter (where is_whole) over in_stretch as lowest_all_in_cents
    from judged
    window in_stretch as (partition by part_number, stretch)
),

candidates as (
    select *
    from bounded
    where
        price_cents <= coalesce(lowest_price_cents, price_cents)
        or all_in_cents <= coalesce(lowest_all_in_cents, all_in_cents)
),

get_ins as (
    select
        spans.part_number,
        spans.first_capture_number,
        min(candidates.price_cents) as get_in_cents,
        min(candidates.all_in_cents) as all_in_get_in_cents
    from spans
    inner join candidates
        on
            spans.part_number = candidates.part_number
            and spans.stretch = candidates.stretch
            and spans.first_capture_number >= candidates.first_capture_number
            and spans.first_capture_number <= candidates.last_capture_number
    group by spans.part_number, spans.first_capture_number
),

final as (
    select
        -- ids
        parts.read_number,
        parts.part_id,

        -- strings
        parts.part,

        -- numerics
        spans.first_capture_number,
        spans.last_capture_number,
        spans.listing_count::integer as listing_count,
        spans.ticket_count::integer as ticket_count,
        get_ins.get_in_cents,
        get_ins.all_in_get_in_cents
    from spans
    inner join parts on spans.part_number = parts.part_number
    inner join get_ins
        on spans.part_number = get_ins.part_number and spans.first_capture_number = get_ins.first_capture_number
    where spans.listing_count > 0
)

select * from final
