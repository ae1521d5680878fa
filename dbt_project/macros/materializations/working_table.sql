{#-
A table that one run fills and the next refills: emptied and filled in one transaction, with statistics, never dropped
while its SQL stays the same. The fingerprint of that SQL is the table's comment. Unlogged: it can be made again from raw.
The primary key is that of the model's constraints; where there are millions of rows, a key would cost more than it tells.
-#}
{% materialization working_table, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set name = target_relation.include(database=false) -%}
    {%- set key = primary_key_columns(model.constraints) -%}
    {%- set fingerprint = 'sql ' ~ local_md5(sql | replace(invocation_id, '') ~ key) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('fingerprint', fetch_result=true) %}
        select obj_description(to_regclass('{{ name }}'), 'pg_class')
    {% endcall %}
    {% if load_result('fingerprint').data[0][0] != fingerprint %}
        {% do run_query(create_working_table(name, fingerprint, key)) %}
    {% endif %}

    {% call statement('main') %}
        truncate {{ name }};
        insert into {{ name }}
        {{ sql }}
    {% endcall %}

    {% do run_query('analyze ' ~ name) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro create_working_table(name, fingerprint, key) %}
    drop table if exists {{ name }} cascade;
    create unlogged table {{ name }} as
    select * from (
        {{ sql }}
    ) as model
    limit 0;
    {% if key %}
        alter table {{ name }} add primary key ({{ key | join(', ') }});
    {% endif %}
    comment on table {{ name }} is '{{ fingerprint }}';
{% endmacro %}


{% macro primary_key_columns(constraints) %}
    {% set keys = constraints | selectattr('type', 'equalto', 'primary_key') | map(attribute='columns') | list %}
    {% do return(keys[0] if keys else []) %}
{% endmacro %}
