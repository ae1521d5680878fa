{#-
Incremental strategy of the marts that follow the ledger: the rows of the windows that this run rebuilds are replaced;
under --full-refresh every row that raw still tells is.
-#}
{% macro get_incremental_replace_windows_sql(arg_dict) %}
    {% do return(replace_rows(
        target=arg_dict['target_relation'],
        source=arg_dict['temp_relation'],
        columns=arg_dict['dest_columns'],
        key=arg_dict['unique_key'],
        scope=told_rows(config.require('grain')) if flags.FULL_REFRESH else rebuilt_rows(config.require('grain'))
    )) %}
{% endmacro %}


{#- Which rows of a mart (t) raw still tells in full; the others are of captures that were dropped, and stay. -#}
{% macro told_rows(grain) %}
    {%- set at = {'hour': 't.hour', 'day': "(t.day::timestamp at time zone 'UTC')", 'latest': 't.captured_at'}[grain] -%}
        not exists (
            select
            from {{ source('raw', 'dropped_captures') }} as d
            where d.event_id = t.event_id and d.whole_from_at > {{ at }}
        )
{%- endmacro %}


{#- Which rows of a mart (t) lie in windows that this run rebuilds. -#}
{% macro rebuilt_rows(grain) %}
    {%- if grain == 'latest' -%}
        t.event_id in (select w.event_id from {{ ref('int_windows') }} as w where w.grain = 'latest')
    {%- else -%}
        (t.event_id, {{ {'hour': 't.hour', 'day': 't.day'}[grain] }}) in (
            select
                w.event_id,
                {{ {'hour': 'w.window_start_at', 'day': "(w.window_start_at at time zone 'UTC')::date"}[grain] }}
            from {{ ref('int_windows') }} as w
            where w.grain = '{{ grain }}'
        )
    {%- endif -%}
{% endmacro %}
