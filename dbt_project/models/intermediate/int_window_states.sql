-- Which listing states the captures of a window saw, and how many of them saw each: the window's observations, counted
-- instead of spelled out, for the whole event and for each part that is measured.

with windows as (
    select * from {{ ref('int_windows') }}
),

captures as (
    select * from {{ ref('int_captures') }}
),

parts as (
    select * from {{ ref('int_parts') }}
),

states as (
    select * from {{ ref('int_part_states') }}
),

window_captures as (
    select
        windows.window_number,
        windows.read_number,
        windows.grain,
        min(captures.capture_number) as first_capture_number,
        max(captures.capture_number) as last_capture_number
    from windows
    inner join captures
        on
            windows.read_number = captures.read_number
            and captures.captured_at >= windows.window_start_at
            and captures.captured_at < windows.window_end_at
    group by windows.window_number, windows.read_number, windows.grain
),

final as (
    select
        -- ids
        window_captures.window_number,
        parts.part_number,

        -- numerics
        states.price_cents,
        states.all_in_cents,
        least(states.last_capture_number, window_captures.last_capture_number)
        - greatest(states.first_capture_number, window_captures.first_capture_number) + 1 as capture_count,

        -- booleans
        states.can_be_pair
    from window_captures
    inner join parts on window_captures.read_number = parts.read_number
    inner join states
        on
            parts.part_number = states.part_number
            and states.first_capture_number <= window_captures.last_capture_number
            and states.last_capture_number >= window_captures.first_capture_number
    where {{ is_measured('parts.part', 'window_captures.grain') }}
)

select * from final
