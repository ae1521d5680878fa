select
    -- ids
    placement_id,
    zone_id,
    section_id,

    -- strings
    section,
    seat_row
from {{ source('raw', 'placements') }}
