{#-
The listings of the days that an earlier release has left, when the list of changed ones is made: no list says which of
them have changed since their lives were put together. None afterwards.
-#}
{% macro listings_of_days_before() %}
    {%- set days = adapter.get_relation(this.database, this.schema, 'int_listing_days') if execute else none -%}
    {% if days and not is_incremental() -%}
    select
        event_id,
        source_listing_id
    from {{ days }}
    group by event_id, source_listing_id
    {%- else -%}
    select
        null::bigint as event_id,
        null::text as source_listing_id
    where false
    {%- endif %}
{% endmacro %}
