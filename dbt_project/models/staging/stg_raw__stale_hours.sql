with source as (
    select * from {{ source('raw', 'stale_hours') }}
),

renamed as (
    select
        -- ids
        event_id,
        mark,

        -- timestamps
        hour_at,
        marked_at
    from source
)

select * from renamed
