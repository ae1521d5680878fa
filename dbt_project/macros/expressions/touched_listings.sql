{#-
The listings whose lives are to be put together: those whose days have changed since; all of them when the mart is made,
and for a full refresh.
-#}
{% macro touched_listings() %}
    {% if flags.FULL_REFRESH or not is_incremental() -%}
    select
        d.event_id,
        d.source_listing_id
    from {{ ref('int_listing_days') }} as d
    group by d.event_id, d.source_listing_id
    {%- else -%}
    select
        c.event_id,
        c.source_listing_id
    from {{ ref('int_changed_listings') }} as c
    {%- endif %}
{% endmacro %}
