-- What became of a listing at a capture, where the capture before it differs: it is gone, added, or another quantity
-- or price is asked. A listing is known by its source id: one whose fixed attributes change is neither gone nor added.

with captures as (
    select * from {{ ref('int_captures') }}
),

states as not materialized (
    select * from {{ ref('int_listing_states') }}
),

states_before as (
    select
        read_number,
        source_listing_id,
        last_capture_number + 1 as capture_number,
        zone_id,
        section_id,
        section,
        seat_row,
        quantity,
        price_cents
    from states
    where until_at is not null
),

states_after as (
    select
        states.read_number,
        states.source_listing_id,
        captures.capture_number,
        states.zone_id,
        states.section_id,
        states.section,
        states.seat_row,
        states.quantity,
        states.price_cents
    from states
    inner join captures
        on states.read_number = captures.read_number and states.from_at = captures.captured_at
    where not captures.is_first_of_event
),

differences as (
    select
        read_number,
        capture_number,
        source_listing_id,
        -- Its flows count where it was; those of a new listing where it is.
        case
            when states_before.quantity is null then states_after.zone_id else states_before.zone_id
        end as zone_id,
        case
            when states_before.quantity is null then states_after.section_id else states_before.section_id
        end as section_id,
        coalesce(states_before.section, states_after.section) as section,
        coalesce(states_before.seat_row, states_after.seat_row) as seat_row,
        states_before.quantity as quantity_before,
        states_after.quantity as quantity_after,
        states_before.price_cents as price_cents_before,
        states_after.price_cents as price_cents_after,
        states_after.quantity is null as has_gone,
        states_before.quantity is null as has_come
    from states_before
    full join states_after using (read_number, capture_number, source_listing_id)
),

-- Gone and come within one capture and one place are matched one to one, each side in order of source id.
ranked as (
    select
        *,
        case when has_gone or has_come then row_number() over side end as rank_in_place,
        count(*) filter (where has_gone) over place as gone_in_place,
        count(*) filter (where has_come) over place as come_in_place
    from differences
    window
        place as (partition by read_number, capture_number, section, seat_row),
        side as (
            partition by read_number, capture_number, section, seat_row, has_gone, has_come
            order by source_listing_id collate "C"
        )
),

judged as (
    select
        *,
        (has_gone or has_come) and rank_in_place <= least(gone_in_place, come_in_place) as is_relisted,
        case
            when has_gone then quantity_before
            when has_come then 0
            else greatest(quantity_before - quantity_after, 0)
        end as tickets_gone
    from ranked
),

final as (
    select
        -- ids
        judged.read_number,
        judged.capture_number,
        captures.event_id,
        judged.source_listing_id,
        judged.zone_id,
        judged.section_id,

        -- strings
        judged.section,
        judged.seat_row,

        -- numerics
        judged.quantity_before,
        judged.quantity_after,
        judged.price_cents_before,
        judged.price_cents_after,
        judged.tickets_gone,
        case
            when captures.is_before_start and not judged.is_relisted then judged.tickets_gone else 0
        end as tickets_sold_est,

        -- booleans
        judged.has_gone and not judged.is_relisted as is_gone,
        judged.has_come and not judged.is_relisted as is_added,
        judged.has_gone and judged.is_relisted as is_relisted,
        coalesce(judged.price_cents_after > judged.price_cents_before, false) as is_repriced_up,
        coalesce(judged.price_cents_after < judged.price_cents_before, false) as is_repriced_down,

        -- timestamps
        captures.captured_at
    from judged
    inner join captures
        on judged.read_number = captures.read_number and judged.capture_number = captures.capture_number
)

select * from final
