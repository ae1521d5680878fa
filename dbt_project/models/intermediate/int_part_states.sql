-- The states of every part: of the event and of a section as the read has them. A zone is measured by the hour alone:
-- it has what the hours that are rebuilt see of a state: one or two hours in a round, all of a day in a backfill.

with windows as (
    select * from {{ ref('int_windows') }}
),

captures as (
    select * from {{ ref('int_captures') }}
),

states as not materialized (
    select * from {{ ref('int_listing_states') }}
    where first_capture_number <= last_capture_number
),

parts as (
    select * from {{ ref('int_parts') }}
),

hours as (
    select
        windows.read_number,
        windows.window_number,
        min(captures.capture_number) as first_capture_number,
        max(captures.capture_number) as last_capture_number
    from windows
    inner join captures
        on
            windows.read_number = captures.read_number
            and captures.captured_at >= windows.window_start_at
            and captures.captured_at < windows.window_end_at
    where windows.grain = 'hour'
    group by windows.read_number, windows.window_number
),

in_parts as (
    {% for part, part_id in [('event', "''"), ('section', "coalesce(section_id, '')")] -%}
    select
        read_number,
        '{{ part }}' as part,
        {{ part_id }} as part_id,
        first_capture_number,
        last_capture_number,
        quantity,
        price_cents,
        all_in_cents,
        can_be_pair
    from states
    union all
    {% endfor -%}
    select
        states.read_number,
        'zone' as part,
        coalesce(states.zone_id, '') as part_id,
        greatest(states.first_capture_number, hours.first_capture_number) as first_capture_number,
        least(states.last_capture_number, hours.last_capture_number) as last_capture_number,
        states.quantity,
        states.price_cents,
        states.all_in_cents,
        states.can_be_pair
    from states
    inner join hours
        on
            states.read_number = hours.read_number
            and states.first_capture_number <= hours.last_capture_number
            and states.last_capture_number >= hours.first_capture_number
),

final as (
    select
        -- ids
        parts.part_number,

        -- numerics
        in_parts.first_capture_number,
        in_parts.last_capture_number,
        in_parts.quantity,
        in_parts.price_cents,
        in_parts.all_in_cents,

        -- booleans
        in_parts.can_be_pair
    from in_parts
    inner join parts
        on
            in_parts.read_number = parts.read_number
            and in_parts.part = parts.part
            and in_parts.part_id = parts.part_id
)

select * from final
