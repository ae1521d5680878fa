with source as (
    select * from {{ source('raw', 'seating') }}
),

renamed as (
    select
        -- ids
        event_id,
        {{ lenient_bigint("document #>> '{venue,id}'") }} as venue_id,

        -- strings
        {{ lenient_text("document ->> 'production_name'") }} as event_name,
        {{ lenient_text("document #>> '{venue,name}'") }} as venue_name,
        {{ lenient_text("document #>> '{venue,address1}'") }} as address,
        {{ lenient_text("document #>> '{venue,state}'") }} as state,
        {{ lenient_text("document #>> '{venue,country}'") }} as country_code,
        {{ lenient_text("document #>> '{venue,timezone}'") }} as timezone,

        -- numerics
        {{ lenient_bigint("document #>> '{venue,capacity}'") }} as capacity,

        -- timestamps
        observed_at
    from source
)

select * from renamed
