{#- Incremental strategy of small tables that are computed whole: what changed is replaced, the table is never dropped. -#}
{% macro get_incremental_replace_all_sql(arg_dict) %}
    {% do return(replace_rows(
        target=arg_dict['target_relation'],
        source=arg_dict['temp_relation'],
        columns=arg_dict['dest_columns'],
        key=arg_dict['unique_key'],
        scope='true'
    )) %}
{% endmacro %}
