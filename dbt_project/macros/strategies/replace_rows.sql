{#-
Make the rows of target that `scope` selects equal to the rows of source: rows that are no longer true vanish, rows
that did not change are not written, and the rest is inserted. One statement list, run inside dbt's transaction. `noted_in`
is a table of listings, in which those whose rows these are are noted.

What is left of the scope after the deletion stands in a table of its own: asked row by row by the mart's index, it costs
more with every month of history (`make bench ARGS=builds`). A full refresh asks the mart: the scope is all of it, but
for rows of dropped captures, which must not be met again.
-#}
{% macro replace_rows(target, source, columns, key, scope, noted_in=none) %}
    {%- set names = columns | map(attribute='quoted') | list -%}
    {%- set keys = [key] if key is string else key -%}
    {%- set is_part = scope != 'true' and not flags.FULL_REFRESH -%}

    analyze {{ source }};

    {% if noted_in %}with changed as ({% endif %}
    delete from {{ target }} as t
    where
        {{ scope }}
        and not exists (
            select
            from {{ source }} as s
            where
                {% for k in keys %}s.{{ k }} = t.{{ k }} and {% endfor %}
                (s.{{ names | join(', s.') }}) is not distinct from (t.{{ names | join(', t.') }})
        )
    {{- note_listings(noted_in) }};

    {% if is_part %}
    create temporary table kept_rows on commit drop as
    select t.{{ keys | join(', t.') }}
    from {{ target }} as t
    where {{ scope }};
    analyze kept_rows;
    {% endif %}

    {% if noted_in %}with changed as ({% endif %}
    insert into {{ target }} ({{ names | join(', ') }})
    select s.{{ names | join(', s.') }}
    from {{ source }} as s
    where not exists (
        select
        from {{ 'kept_rows' if is_part else target }} as t
        where {% for k in keys %}s.{{ k }} = t.{{ k }}{{ ' and ' if not loop.last }}{% endfor %}
    )
    order by {% for k in keys %}s.{{ k }}{{ ', ' if not loop.last }}{% endfor %}
    {{- note_listings(noted_in) }};
{% endmacro %}


{% macro note_listings(noted_in) %}
    {%- if noted_in %}
    returning event_id, source_listing_id
    )

    insert into {{ noted_in }} (event_id, source_listing_id)
    select
        c.event_id,
        c.source_listing_id
    from changed as c
    on conflict do nothing
    {%- endif %}
{% endmacro %}
