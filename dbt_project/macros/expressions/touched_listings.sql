{#-
The listings whose life the days of this run may have changed: those that their captures saw, or the capture before them,
and those of which the mart says so. Asked anew by a run that repeats a broken-off one, the answer is no smaller. A full
refresh asks for all.

"offset 0" keeps the index in use: how few listings lived on a day cannot be guessed from statistics.
-#}
{% macro touched_listings(mart) %}
    {% if flags.FULL_REFRESH -%}
    select
        d.event_id,
        d.source_listing_id
    from {{ ref('int_listing_days') }} as d
    group by d.event_id, d.source_listing_id
    {%- else -%}
    select
        s.event_id,
        s.source_listing_id
    from {{ ref('int_windows') }} as w
    inner join {{ ref('int_listing_states') }} as s on w.read_number = s.read_number
    where w.grain = 'day'
    {% if mart -%}
    union
    select
        w.event_id,
        lived.source_listing_id
    from {{ ref('int_windows') }} as w
    cross join lateral (
        select l.source_listing_id
        from {{ mart }} as l
        where
            w.event_id = l.event_id
            and w.window_end_at > l.first_seen_at
            and (l.gone_at >= w.window_start_at or l.gone_at is null)
        offset 0
    ) as lived
    where w.grain = 'day'
    {%- else -%}
    group by s.event_id, s.source_listing_id
    {%- endif %}
    {%- endif %}
{% endmacro %}
