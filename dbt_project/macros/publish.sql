{#-
A mart with meta.is_published is in the publication that Supabase's Realtime server follows, where there is one, also
after the table was made anew. Idempotent, and silent where that is so already.
-#}
{% macro publish() %}
    {%- if execute and model.config.meta.get('is_published') -%}
        {%- set name = this.schema ~ '.' ~ this.identifier -%}
        {%- if run_query("select publishing.publish('" ~ name ~ "')").rows[0][0] == 'refused' -%}
            {%- do exceptions.warn(
                name ~ " is not in the publication supabase_realtime, which belongs to another role than the one that "
                ~ "migrates: Realtime tells nobody of its changes. The publication's owner can add it: "
                ~ "alter publication supabase_realtime add table " ~ name ~ ";"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
