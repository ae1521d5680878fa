select
    -- ids
    terms_id,

    -- strings
    delivery,
    notes,

    -- numerics
    splits,
    face_value_cents,

    -- booleans
    2 = any(splits) as can_be_pair
from {{ source('raw', 'terms') }}
