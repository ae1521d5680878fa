{#-
An index on a mart, made where it is missing: as a post-hook, so that a mart that is there already gets it, too, which
dbt's own config `indexes` does not give it. Silent where it is there, because PostgREST reloads its schema cache on any
DDL.
-#}
{% macro ensure_index(columns) %}
    {%- set name = this.identifier ~ '_' ~ columns | join('_') ~ '_idx' -%}
    do $index$
    begin
        if to_regclass('{{ this.schema }}.{{ name }}') is null then
            create index {{ name }} on {{ this.include(database=false) }} ({{ columns | join(', ') }});
        end if;
    end
    $index$
{% endmacro %}
