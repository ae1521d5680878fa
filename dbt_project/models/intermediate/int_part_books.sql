-- The book of an event and of each of its zones and sections, from one change of it to the next: what the metrics of a
-- window ask of its captures without spelling out which capture saw which listing. A part without a listing has no row.
-- Each book is added up from the states that it has: where every capture changes something in a part, these are as many
-- as the observations of that part.

with states as (
    select * from {{ ref('int_listing_states') }}
),

-- Numbers stand for parts and spans until the end: a pair of a span and a state is the row that there are millions of.
part_states as materialized (
    select
        states.read_number,
        parts.part,
        parts.part_id,
        dense_rank() over (order by states.read_number, parts.part, parts.part_id) as part_number,
        states.first_capture_number,
        states.last_capture_number,
        states.quantity,
        states.price_cents,
        states.all_in_cents
    from states
    cross join {{ parts_of('states') }} as parts (part, part_id)
    where states.first_capture_number <= states.last_capture_number
),

changes as (
    select
        read_number,
        part,
        part_id,
        part_number,
        first_capture_number as capture_number
    from part_states
    union
    select
        read_number,
        part,
        part_id,
        part_number,
        last_capture_number + 1 as capture_number
    from part_states
),

spans as materialized (
    select
        read_number,
        part,
        part_id,
        part_number,
        row_number() over (order by part_number, capture_number) as span_number,
        capture_number as first_capture_number,
        lead(capture_number) over (
            partition by part_number
            order by capture_number
        ) - 1 as last_capture_number
    from changes
),

books as (
    select
        spans.span_number,
        count(*)::integer as listing_count,
        sum(part_states.quantity)::integer as ticket_count,
        min(part_states.price_cents) as get_in_cents,
        min(part_states.all_in_cents) as all_in_get_in_cents
    from spans
    inner join part_states
        on
            spans.part_number = part_states.part_number
            and spans.first_capture_number >= part_states.first_capture_number
            and spans.first_capture_number <= part_states.last_capture_number
    group by spans.span_number
),

final as (
    select
        -- ids
        spans.read_number,
        spans.part_id,

        -- strings
        spans.part,

        -- numerics
        spans.first_capture_number,
        spans.last_capture_number,
        books.listing_count,
        books.ticket_count,
        books.get_in_cents,
        books.all_in_get_in_cents
    from spans
    inner join books on spans.span_number = books.span_number
)

select * from final
