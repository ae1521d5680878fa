with source as (
    select * from {{ source('raw', 'productions') }}
),

renamed as (
    select
        -- ids
        event_id,
        {{ lenient_bigint("document #>> '{venue,id}'") }} as venue_id,
        {{ lenient_bigint("document ->> 'categoryId'") }} as category_id,
        {{ lenient_bigint("document ->> 'subCategoryId'") }} as sub_category_id,

        -- strings
        {{ lenient_text("document ->> 'name'") }} as event_name,
        {{ lenient_text("document ->> 'webPath'") }} as web_path,
        {{ lenient_text("document ->> 'productionDelayType'") }} as delay_type,
        {{ lenient_text("document #>> '{venue,name}'") }} as venue_name,
        {{ lenient_text("document #>> '{venue,address1}'") }} as address,
        {{ lenient_text("document #>> '{venue,city}'") }} as city,
        {{ lenient_text("document #>> '{venue,state}'") }} as state,
        {{ lenient_text("document #>> '{venue,postalCode}'") }} as postal_code,
        {{ lenient_text("document #>> '{venue,countryCode}'") }} as country_code,
        {{ lenient_text("document #>> '{venue,timezone}'") }} as timezone,

        -- numerics
        {{ lenient_bigint("document #>> '{venue,capacity}'") }} as capacity,
        {{ lenient_float("document #>> '{venue,latitude}'") }} as latitude,
        {{ lenient_float("document #>> '{venue,longitude}'") }} as longitude,

        -- booleans
        {{ lenient_boolean("document ->> 'dateTbd'") }} as is_date_tbd,
        {{ lenient_boolean("document ->> 'timeTbd'") }} as is_time_tbd,
        {{ lenient_boolean("document ->> 'ifNecessary'") }} as is_if_necessary,
        {{ lenient_boolean("document ->> 'hidden'") }} as is_hidden,

        -- timestamps
        observed_at,
        starts_at,
        {{ lenient_wall_clock("document ->> 'localDate'") }} as starts_at_local
    from source
)

select * from renamed
