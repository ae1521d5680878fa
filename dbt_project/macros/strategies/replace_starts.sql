{#-
Incremental strategy of int_event_starts: as replace_all, and in the same transaction the hours whose sold estimates
an event's new start changes are marked stale. Those are the hours of the captures between the old start and the new
one, where an unknown start is one that never comes.
-#}
{% macro get_incremental_replace_starts_sql(arg_dict) %}
    {% set starts %}
        with moved as (
            select
                coalesce(o.event_id, n.event_id) as event_id,
                coalesce(o.starts_at, 'infinity') as old_starts_at,
                coalesce(n.starts_at, 'infinity') as new_starts_at
            from {{ arg_dict['target_relation'] }} as o
            full join {{ arg_dict['temp_relation'] }} as n on o.event_id = n.event_id
            where o.starts_at is distinct from n.starts_at
        ),

        hours as (
            select distinct
                s.event_id,
                date_trunc('hour', s.captured_at, 'UTC') as hour_at
            from moved as m
            inner join {{ ref('stg_raw__snapshots') }} as s
                on
                    m.event_id = s.event_id
                    and s.captured_at >= least(m.old_starts_at, m.new_starts_at)
                    and s.captured_at < greatest(m.old_starts_at, m.new_starts_at)
        )

        insert into {{ source('raw', 'stale_hours') }} (event_id, hour_at)
        select
            h.event_id,
            h.hour_at
        from hours as h
        order by h.event_id, h.hour_at
        on conflict (event_id, hour_at) do update
            set mark = nextval('raw.stale_mark_seq'), marked_at = now();
    {% endset %}
    {% do return(starts ~ get_incremental_replace_all_sql(arg_dict)) %}
{% endmacro %}
