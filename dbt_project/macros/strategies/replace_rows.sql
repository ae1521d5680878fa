{#-
Make the rows of target that `scope` selects equal to the rows of source: rows that are no longer true vanish, rows
that did not change are not written, and the rest is inserted. One statement list, run inside dbt's transaction.
-#}
{% macro replace_rows(target, source, columns, key, scope) %}
    {%- set names = columns | map(attribute='quoted') | list -%}
    {%- set keys = [key] if key is string else key -%}

    analyze {{ source }};

    delete from {{ target }} as t
    where
        {{ scope }}
        and not exists (
            select
            from {{ source }} as s
            where
                {% for k in keys %}s.{{ k }} = t.{{ k }} and {% endfor %}
                (s.{{ names | join(', s.') }}) is not distinct from (t.{{ names | join(', t.') }})
        );

    insert into {{ target }} ({{ names | join(', ') }})
    select s.{{ names | join(', s.') }}
    from {{ source }} as s
    where not exists (
        select
        from {{ target }} as t
        where {% for k in keys %}s.{{ k }} = t.{{ k }}{{ ' and ' if not loop.last }}{% endfor %}
    )
    order by {% for k in keys %}s.{{ k }}{{ ', ' if not loop.last }}{% endfor %};
{% endmacro %}
