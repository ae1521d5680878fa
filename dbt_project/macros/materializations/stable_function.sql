{#-
A function of the API that is left alone while nothing about it changes, as stable_view does for views.

The model's file is the query that answers. Its yml says the rest, under config.meta, so that the signature is documented
by what makes it and cannot be another:
    columns      (the model's own) names and types of the answer, by name: the query may have others beside them
    arguments    name, data_type, description, and default where one may be left out; is_nullable where null has a meaning
    derived      name, data_type and value of constants, computed from the arguments before anything is refused
    refusals     when (a condition), message, hint, and status (400 unless said): what is not answered, and how to ask instead
    must_be_known_event   an event_id that nobody has heard of is refused with 404; the file says depends_on dim_events
    reads_until  an instant: the answer depends on nothing of event_id at or after it, and may be kept once that is settled
Query and conditions know an argument as p_name, a derived constant as v_name.

PostgREST, and the local server, make an HTTP status of SQLSTATE PTxyz. A function in SQL could not raise, so it is
PL/pgSQL, which also keeps the plan from call to call. The query is tried once as SQL, which PL/pgSQL does not do before
the first call: a column that is missing, or cannot be cast to its type, fails the build. The fingerprint is in the function's body.
-#}
{% materialization stable_function, adapter='postgres' %}
    {%- set name = this.include(database=false) -%}
    {%- set statements = create_stable_function(name) -%}
    {%- set fingerprint = '-- statements ' ~ local_md5(statements) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if function_is_made(name, fingerprint) %}
        {% do store_raw_result('main', message='UNCHANGED', code='UNCHANGED', rows_affected=-1) %}
    {% else %}
        {% call statement('main') %}
            {{ try_function_query() }}
            {{ drop_functions_called(this) }}
            {{ statements | replace('-- fingerprint', fingerprint) }}
        {% endcall %}
    {% endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': []}) }}
{% endmaterialization %}


{% macro function_is_made(name, fingerprint) %}
    {% call statement('fingerprint', fetch_result=true) %}
        select count(*) as made
        from pg_catalog.pg_proc as p
        where
            p.pronamespace = to_regnamespace('{{ this.schema }}')
            and p.proname = '{{ this.identifier }}'
        having count(*) = 1 and bool_and(strpos(p.prosrc, '{{ fingerprint }}') > 0)
    {% endcall %}
    {% do return(load_result('fingerprint').data | length > 0) %}
{% endmacro %}


{% macro create_stable_function(name) %}
    {%- set arguments = model.config.meta.get('arguments', []) -%}
    create function {{ name }}(
        {% for argument in arguments -%}
            {{ adapter.quote(argument.name) }} {{ argument.data_type }}
            {%- if argument.default is defined %} default {{ argument.default }}{% endif %}
            {{- ', ' if not loop.last }}
        {% endfor %}
    )
    returns table ({{ function_columns() }})
    language plpgsql stable security invoker
    set search_path = ''
    as $stable_function$
    -- fingerprint
    #variable_conflict use_column
    declare
        {% for argument in arguments -%}
            p_{{ argument.name }} constant {{ argument.data_type }} := ${{ loop.index }};
        {% endfor %}
        {% for constant in model.config.meta.get('derived', []) -%}
            v_{{ constant.name }} constant {{ constant.data_type }} := {{ constant.value }};
        {% endfor %}
    begin
        {% for argument in arguments if not argument.get('is_nullable') -%}
            if p_{{ argument.name }} is null then
                {{ refuse(400, argument.name ~ ' is null', missing_argument_hint(argument)) }}
            end if;
        {% endfor %}
        {% for refusal in model.config.meta.get('refusals', []) -%}
            if ({{ refusal.when }}) then
                {{ refuse(refusal.get('status', 400), refusal.message, refusal.hint) }}
            end if;
        {% endfor %}
        {% if model.config.meta.get('must_be_known_event') -%}
            if not exists (select from {{ ref('dim_events') }} as e where e.event_id = p_event_id) then
                {{ refuse(404, 'there is no event with this event_id', 'rpc/search_events finds events by name, venue or city; the view events lists them.') }}
            end if;
        {% endif %}
        {% if model.config.meta.get('reads_until') -%}
            perform gateway.keep_if_settled(p_event_id, {{ model.config.meta.get('reads_until') }});
        {% endif %}
        return query
        select {{ answered_columns() }}
        from (
        {{ sql }}
        ) as answer;
    end;
    $stable_function$;
    comment on function {{ name }} is {{ sql_literal(function_documentation()) }};
{% endmacro %}


{% macro refuse(status, message, hint) -%}
    raise sqlstate 'PT{{ status }}' using message = {{ sql_literal(message) }}, hint = {{ sql_literal(hint) }};
{%- endmacro %}


{% macro missing_argument_hint(argument) -%}
    {%- if argument.default is defined -%}
        Leave {{ argument.name }} out, or give it a value: {{ argument.description }}
    {%- else -%}
        Give {{ argument.name }} a value: {{ argument.description }}
    {%- endif -%}
{%- endmacro %}


{#- A function in SQL with the same query, which PostgreSQL takes apart when it is made; gone again at once. -#}
{% macro try_function_query() %}
    create function pg_temp.try_function_query(
        {% for argument in model.config.meta.get('arguments', []) -%}
            p_{{ argument.name }} {{ argument.data_type }},
        {% endfor %}
        {% for constant in model.config.meta.get('derived', []) -%}
            v_{{ constant.name }} {{ constant.data_type }},
        {% endfor %}
        out answer text
    )
    language sql
    as $try_function_query$
        select pg_catalog.concat(
            {% for column in model.columns.values() -%}
                answer.{{ adapter.quote(column.name) }}::{{ column.data_type }}{{ ', ' if not loop.last }}
            {% endfor %}
        )
        from (
        {{ sql }}
        ) as answer;
    $try_function_query$;
    drop function pg_temp.try_function_query;
{% endmacro %}


{% macro drop_functions_called(relation) %}
    {% set signatures = run_query(
        "select p.oid::regprocedure::text from pg_catalog.pg_proc as p where p.pronamespace = to_regnamespace('"
        ~ relation.schema ~ "') and p.proname = '" ~ relation.identifier ~ "'"
    ).rows %}
    {% for signature in signatures %}
        drop function {{ signature[0] }};
    {% endfor %}
{% endmacro %}


{% macro function_columns() -%}
    {%- for column in model.columns.values() -%}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{% macro answered_columns() -%}
    {%- for column in model.columns.values() -%}
        answer.{{ adapter.quote(column.name) }}::{{ column.data_type }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- PostgreSQL keeps one comment for a function and none for its arguments; OpenAPI shows it. -#}
{% macro function_documentation() -%}
{{ model.description }}

Arguments:
{% for argument in model.config.meta.get('arguments', []) -%}
- {{ argument.name }} ({{ argument.data_type }}{{ ', may be left out' if argument.default is defined }}): {{ argument.description }}
{% endfor %}
Columns:
{% for column in model.columns.values() -%}
- {{ column.name }} ({{ column.data_type }}): {{ column.description }}
{% endfor %}
{%- endmacro %}
