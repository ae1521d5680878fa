-- The captures of every read, numbered from 1. Later models say when a listing was seen by these numbers.
-- A CTE that is used twice is materialized unless it says otherwise: all of raw, where an index gives what is needed.

with reads as (
    select * from {{ ref('int_reads') }}
),

snapshots as not materialized (
    select * from {{ ref('stg_raw__snapshots') }}
),

event_starts as (
    select * from {{ ref('int_event_starts') }}
),

numbered as (
    select
        reads.read_number,
        reads.event_id,
        snapshots.interval_seconds,
        snapshots.captured_at,
        row_number() over in_order::integer as capture_number,
        lag(snapshots.captured_at) over in_order as captured_before_at
    from reads
    inner join snapshots
        on
            reads.event_id = snapshots.event_id
            and snapshots.captured_at >= reads.read_start_at
            and snapshots.captured_at < reads.read_end_at
    window in_order as (
        partition by reads.read_number
        order by snapshots.captured_at
    )
),

-- Asked once a read, not once a capture.
earlier_captures as materialized (
    select
        reads.read_number,
        earlier.captured_at as captured_before_at
    from reads
    left join lateral (
        select snapshots.captured_at
        from snapshots
        where snapshots.event_id = reads.event_id and snapshots.captured_at < reads.read_start_at
        order by snapshots.captured_at desc
        limit 1
    ) as earlier on true
),

final as (
    select
        -- ids
        numbered.read_number,
        numbered.capture_number,
        numbered.event_id,

        -- numerics
        numbered.interval_seconds,

        -- booleans
        numbered.capture_number = 1 and earlier_captures.captured_before_at is null as is_first_of_event,
        event_starts.starts_at is null or numbered.captured_at < event_starts.starts_at as is_before_start,

        -- timestamps
        numbered.captured_at,
        coalesce(numbered.captured_before_at, earlier_captures.captured_before_at) as captured_before_at
    from numbered
    inner join earlier_captures on numbered.read_number = earlier_captures.read_number
    left join event_starts on numbered.event_id = event_starts.event_id
)

select * from final
