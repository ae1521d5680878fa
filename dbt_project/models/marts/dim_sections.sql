-- Every section that an event's seating has ever named, each column by the newest word that is not empty.
{{
    config(
        incremental_strategy='replace_seated_events',
        unique_key=['event_id', 'section_id'],
        tags=['ledger'],
    )
}}
-- depends_on: {{ ref('stg_raw__seating') }}
-- depends_on: {{ ref('int_claimed_marks') }}

with mentions as (
    select
        *,
        1 as precedence
    from {{ ref('stg_raw__sections') }}
    where
        section_id is not null
        {% if is_incremental() and not flags.FULL_REFRESH -%}
        and event_id in ({{ seated_events() }})
        {%- endif %}
),

final as (
    select
        -- ids
        event_id,
        section_id,
        {{ newest_word('zone_id') }} as zone_id,

        -- strings
        {{ newest_word('section_name') }} as section_name
    from mentions
    group by event_id, section_id
)

select * from final
