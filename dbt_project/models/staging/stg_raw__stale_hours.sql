select
    -- ids
    event_id,
    mark,

    -- timestamps
    hour_at,
    marked_at
from {{ source('raw', 'stale_hours') }}
