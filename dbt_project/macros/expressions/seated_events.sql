{#-
Events with a version of their seating that no build has read. It is stored with the capture that brought it, in one
transaction, so that capture's hour is in the ledger. Seating hardly ever changes: to take all of it apart, 1,000 events
with 100 sections, would be more than a second of every round.
-#}
{% macro seated_events() -%}
    select s.event_id
    from {{ ref('stg_raw__seating') }} as s
    inner join {{ ref('int_claimed_marks') }} as c
        on s.event_id = c.event_id and date_trunc('hour', s.observed_at, 'UTC') = c.hour_at
{%- endmacro %}
