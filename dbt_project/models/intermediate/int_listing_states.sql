-- Every span of a listing with unchanged quantity and prices that a capture of the read saw, or the capture before its
-- first: the only place where snapshots are unpacked. A capture that lands while a run reads may be known here and not
-- in int_captures; it is left out, and its mark, raised meanwhile, brings the next run here.

with reads as (
    select * from {{ ref('int_reads') }}
),

captures as (
    select * from {{ ref('int_captures') }}
),

placements as (
    select * from {{ ref('stg_raw__placements') }}
),

terms as (
    select * from {{ ref('stg_raw__terms') }}
),

captured_reads as (
    select
        read_number,
        count(*)::integer as captures,
        min(captured_at) as first_captured_at
    from captures
    group by read_number
),

states as (
    select
        reads.read_number,
        reads.event_id,
        states.*
    from reads
    cross join lateral raw.listing_states(reads.event_id, reads.read_start_at, reads.read_end_at) as states
),

final as (
    select
        -- ids
        states.read_number,
        states.event_id,
        states.source_listing_id,
        placements.zone_id,
        placements.section_id,

        -- strings
        placements.section,
        placements.seat_row,

        -- numerics
        states.quantity,
        states.price_cents,
        states.all_in_cents,
        coalesce(began.capture_number, 1) as first_capture_number,
        coalesce(ended.capture_number - 1, captured_reads.captures) as last_capture_number,

        -- booleans
        terms.can_be_pair,

        -- timestamps
        states.from_at,
        ended.captured_at as until_at
    from states
    inner join captured_reads on states.read_number = captured_reads.read_number
    inner join placements on states.placement_id = placements.placement_id
    inner join terms on states.terms_id = terms.terms_id
    left join captures as began
        on states.read_number = began.read_number and states.from_at = began.captured_at
    left join captures as ended
        on states.read_number = ended.read_number and states.until_at = ended.captured_at
    where began.captured_at is not null or states.from_at < captured_reads.first_captured_at
)

select * from final
