-- The parts of every read that have a listing, numbered: the event, its zones and its sections. Numbers stand for them
-- where there are millions of rows to sort and to join.

with states as (
    select * from {{ ref('int_listing_states') }}
),

places as (
    select distinct
        read_number,
        zone_id,
        section_id
    from states
    where first_capture_number <= last_capture_number
),

parts as (
    select distinct
        places.read_number,
        parts.part,
        parts.part_id
    from places
    cross join {{ parts_of('places') }} as parts (part, part_id)
),

final as (
    select
        -- ids
        row_number() over (order by read_number, part, part_id)::integer as part_number,
        read_number,
        part_id,

        -- strings
        part
    from parts
)

select * from final
