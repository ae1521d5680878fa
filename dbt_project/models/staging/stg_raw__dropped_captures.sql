with source as (
    select * from {{ source('raw', 'dropped_captures') }}
),

renamed as (
    select
        -- ids
        event_id,

        -- timestamps
        dropped_until_at,
        whole_from_at
    from source
)

select * from renamed
