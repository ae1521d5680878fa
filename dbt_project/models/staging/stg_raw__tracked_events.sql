with source as (
    select * from {{ source('raw', 'tracked_events') }}
),

renamed as (
    select
        -- ids
        event_id,

        -- numerics
        interval_seconds,

        -- booleans
        is_tracked,

        -- timestamps
        added_at as tracked_since_at,
        production_checked_at
    from source
)

select * from renamed
