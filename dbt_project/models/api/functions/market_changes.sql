-- What changed in an event, in the order in which its captures came in: a page of the feed behind a cursor.
-- raw.loads tells why nobody who follows the numbers misses a capture or gets one twice.
-- depends_on: {{ ref('dim_events') }}

with asked as (
    select
        p_event_id as event_id,
        p_max_changes as max_changes,
        v_after_load as after_load,
        v_after_position as after_position,
        coalesce(p_since, '-infinity') as since_at
),

-- Asked once, so that the instants are constants where they are used: they say nothing but which daily partitions are
-- opened.
loaded as (
    select
        v_first_captured_at as first_captured_at,
        v_last_captured_at as last_captured_at
),

-- A capture without a change takes one row.
next_captures as (
    select
        loads.load_number,
        loads.captured_at,
        greatest(snapshots.change_count, 1) as row_count
    from asked
    inner join {{ source('raw', 'loads') }} as loads
        on
            asked.event_id = loads.event_id
            and loads.load_number >= asked.after_load
            and loads.captured_at > asked.since_at
    inner join {{ source('raw', 'snapshots') }} as snapshots
        on loads.event_id = snapshots.event_id and loads.captured_at = snapshots.captured_at
    inner join loaded
        on snapshots.captured_at between loaded.first_captured_at and loaded.last_captured_at
    order by loads.load_number
    limit 200
),

counted as (
    select
        *,
        sum(row_count) over (order by load_number) - row_count as rows_before
    from next_captures
),

captures as (
    select
        counted.load_number,
        counted.captured_at
    from counted
    cross join asked
    where counted.rows_before < asked.max_changes + asked.after_position
),

-- A day is read once, from its keyframe on, however many of its captures are wanted.
spans as (
    select
        min(captured_at) as first_captured_at,
        max(captured_at) as last_captured_at
    from captures
    group by date_trunc('day', captured_at, 'UTC')
),

changed as (
    select listing.*
    from asked
    cross join spans
    cross join
        raw.listing_changes(
            asked.event_id, spans.first_captured_at, spans.last_captured_at + interval '1 microsecond'
        ) as listing
),

changes as (
    select
        captures.load_number,
        row_number() over (
            partition by captures.load_number
            order by changed.source_listing_id, changed.change
        ) as position_in_capture,
        captures.captured_at,
        coalesce(changed.change, 'none') as change,
        changed.source_listing_id,
        changed.section,
        changed.seat_row,
        changed.zone_id,
        changed.section_id,
        changed.seat_low,
        changed.seat_high,
        changed.splits,
        changed.delivery,
        changed.notes,
        changed.face_value_cents,
        changed.quantity,
        changed.price_cents,
        changed.all_in_cents,
        changed.previous_quantity,
        changed.previous_price_cents,
        changed.previous_all_in_cents
    from captures
    left join changed on captures.captured_at = changed.captured_at
),

page as (
    select changes.*
    from changes
    cross join asked
    where (changes.load_number, changes.position_in_capture) > (asked.after_load, asked.after_position)
    order by changes.load_number, changes.position_in_capture
    limit p_max_changes
),

-- The cursor must not look like a number: the local API server would take 12.10 for 12.1.
final as (
    select
        load_number,
        load_number || '-' || position_in_capture as cursor,
        change,
        {{ listing_columns() }},
        previous_quantity::integer as previous_quantity,
        {{ dollars('price_cents') }} as price,
        {{ dollars('all_in_cents') }} as all_in_price,
        {{ dollars('previous_price_cents') }} as previous_price,
        {{ dollars('previous_all_in_cents') }} as previous_all_in_price,
        captured_at
    from page
    order by load_number, position_in_capture
)

select * from final
