{#-
Resource embedding: what makes `select=hour,events(event_name)` an answer. The views of the API have no
foreign keys to follow, so PostgREST, and the local server, are given computed relationships: functions of a view's row
that return rows of another view, and have that view's name.

A view declares them as meta.embeds, a list of
    view     the other view
    rows     how many of its rows there are, about: 1 makes an object of them, anything else an array
    where    which ones: a condition on `embedded`, the other view, with $1 for the row at hand
    means    what they are, in words
Who may read both views may execute the function, and nobody else.

A view that is dropped takes the functions along that take or return its rows. So the post-hook of either view makes what is
missing, and because a view depends on those that it embeds, the later one finds the other in place. Silent where
nothing changed, for any DDL makes PostgREST reload its schema cache: the fingerprint is in the function's body.

With a search_path of its own PostgreSQL does not merge a function into the query around it but calls it for each row.
Without one, Supabase's advisors would object.
-#}
{% macro embed() %}
    {%- for embedded in model.config.meta.get('embeds', []) -%}
        {%- do ref(embedded.view) -%}
    {%- endfor -%}
    {%- if execute and model.config.materialized == 'stable_view' -%}
        {{ drop_other_embeds() }}
        {%- for source in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') -%}
            {%- for embedded in source.config.meta.get('embeds', []) if model.name in [source.name, embedded.view] -%}
                {{ embed_view(source, embedded) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro embed_view(source, embedded) %}
    {%- set source_name = adapter.quote(source.schema) ~ '.' ~ adapter.quote(source.name) -%}
    {%- set embedded_name = adapter.quote(this.schema) ~ '.' ~ adapter.quote(embedded.view) -%}
    {%- set function = embedded_name ~ '(' ~ source_name ~ ')' -%}
    {%- set statements -%}
        create function {{ function }}
        returns setof {{ embedded_name }}
        language sql stable parallel safe security invoker rows {{ embedded.rows }}
        set search_path = ''
        as $embedded$
        -- fingerprint
        select embedded.* from {{ embedded_name }} as embedded where {{ embedded.where }}
        $embedded$;
        comment on function {{ function }} is {{ sql_literal(embedded.means) }};
    {%- endset -%}
    {%- set fingerprint = '-- statements ' ~ local_md5(statements) %}
    do $embed$
    begin
        if to_regclass('{{ source_name }}') is null or to_regclass('{{ embedded_name }}') is null then
            return;
        end if;
        if not exists (
            select
            from pg_catalog.pg_proc as p
            where p.oid = to_regprocedure('{{ function }}') and strpos(p.prosrc, '{{ fingerprint }}') > 0
        ) then
            drop function if exists {{ function }};
            {{ statements | replace('-- fingerprint', fingerprint) }}
        end if;
    end
    $embed$;
    {{ secure_function(embed_oid(source_name, embedded.view), roles_of(source) | select('in', roles_of(node_of_view(embedded.view))) | list) }};
{% endmacro %}


{#- Null where there is none yet; PostgreSQL 15 raises where to_regprocedure is asked for a type that is missing. -#}
{% macro embed_oid(source_name, view) -%}
    (
        select p.oid
        from pg_catalog.pg_proc as p
        inner join pg_catalog.pg_class as c on c.oid = to_regclass('{{ source_name }}') and p.proargtypes[0] = c.reltype
        where p.pronamespace = c.relnamespace and p.pronargs = 1 and p.proname = '{{ view }}'
    )
{%- endmacro %}


{#- Functions of this view's rows that its yml no longer names; what others put beside them is theirs to drop. -#}
{% macro drop_other_embeds() %}
    do $embed$
    declare
        v_function regprocedure;
    begin
        for v_function in
            select p.oid
            from pg_catalog.pg_proc as p
            inner join pg_catalog.pg_class as c on c.oid = '{{ this.include(database=false) }}'::regclass
            where
                p.pronamespace = c.relnamespace
                and p.pronargs = 1
                and p.proargtypes[0] = c.reltype
                and pg_catalog.pg_has_role(p.proowner, 'usage')
                and p.proname <> all (array['{{ model.config.meta.get('embeds', []) | map(attribute='view') | join("', '") }}'])
        loop
            execute format('drop function %s', v_function);
        end loop;
    end
    $embed$;
{% endmacro %}


{% macro node_of_view(name) %}
    {%- do return(graph.nodes['model.' ~ project_name ~ '.' ~ name]) -%}
{% endmacro %}
