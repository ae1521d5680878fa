-- The listings whose days have changed since their lives were last put together: int_listing_days notes them in the
-- transaction that changes its rows, listing_lifecycle takes them away in the one that puts the lives together. So a run
-- that breaks off between the two leaves a note, and a run that changes ten days looks at ten lives.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        contract={'enforced': true},
    )
}}
{#- Days that an earlier release has left may have changed since. -#}
{%- set days = adapter.get_relation(this.database, this.schema, 'int_listing_days') if execute else none %}

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
