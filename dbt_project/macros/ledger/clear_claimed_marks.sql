{#-
End of a run: clear the marks that this run claimed, if every model that follows the ledger succeeded in it. A mark
that was raised since it was claimed (a capture landed meanwhile) is another mark and stays. A run of some models only
clears nothing: what it left out would never be rebuilt.

Writers of captures lock marks in order of event and hour; so does this.
-#}
{% macro clear_claimed_marks(results) %}
    {%- set claimed_marks = ref('int_claimed_marks') -%}
    {%- set stale_hours = source('raw', 'stale_hours') -%}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% set succeeded = [] %}
        {% for result in results if result.status == 'success' %}
            {% do succeeded.append(result.node.unique_id) %}
        {% endfor %}
        {% set missing = [] %}
        {% for node in graph.nodes.values() if node.resource_type == 'model' and 'ledger' in node.tags %}
            {% if node.unique_id not in succeeded %}
                {% do missing.append(node.name) %}
            {% endif %}
        {% endfor %}

        {% if missing %}
            {% do log('The ledger keeps its marks: this run did not build ' ~ missing | sort | join(', ') ~ '.', info=true) %}
        {% else %}
            with claimed as (
                select
                    s.event_id,
                    s.hour_at
                from {{ stale_hours }} as s
                inner join {{ claimed_marks }} as c
                    on s.event_id = c.event_id and s.hour_at = c.hour_at and s.mark = c.mark
                where c.invocation_id = '{{ invocation_id }}'
                order by s.event_id, s.hour_at
                for update of s
            )

            delete from {{ stale_hours }} as s
            using claimed as c
            where s.event_id = c.event_id and s.hour_at = c.hour_at;
        {% endif %}
    {% endif %}
{% endmacro %}
