with source as (
    select * from {{ source('raw', 'placements') }}
),

renamed as (
    select
        -- ids
        placement_id,
        zone_id,
        section_id,

        -- strings
        section,
        seat_row
    from source
)

select * from renamed
