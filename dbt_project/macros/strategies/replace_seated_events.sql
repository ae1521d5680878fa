{#-
Incremental strategy of dim_zones and dim_sections: the rows of the events of which this run claims a new version of the
seating are replaced; under --full-refresh every row is.
-#}
{% macro get_incremental_replace_seated_events_sql(arg_dict) %}
    {% do return(replace_rows(
        target=arg_dict['target_relation'],
        source=arg_dict['temp_relation'],
        columns=arg_dict['dest_columns'],
        key=arg_dict['unique_key'],
        scope='true' if flags.FULL_REFRESH else 't.event_id in (' ~ seated_events() ~ ')'
    )) %}
{% endmacro %}
