select
    -- ids
    event_id,
    run_id,
    content_hash,

    -- numerics
    listing_count,
    ticket_count,
    change_count,
    rejected_count,
    interval_seconds,
    http_status,
    fetch_ms,
    body_bytes,

    -- timestamps
    captured_at,
    loaded_at
from {{ source('raw', 'snapshots') }}
