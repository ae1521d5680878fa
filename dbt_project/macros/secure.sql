{#-
Who may read a relation of the marts or the API, or execute a function of it, brought to what is configured and nothing
else: usage on the schema, and select or execute, for the roles in the model's meta.api_roles (the variable api_roles
unless said), no other privilege for anybody; on a table also row-level security with one policy that lets those roles
read. Idempotent, and silent where all of that is so already, because PostgREST reloads its schema cache on any DDL.
-#}
{% macro secure() %}
    {%- if model.config.materialized == 'stable_function' -%}
        {{ secure_function(function_called(this), roles_of(model)) }}
    {%- else -%}
        {{ secure_relation(roles_of(model)) }}
    {%- endif -%}
{% endmacro %}


{% macro secure_relation(roles) %}
    {%- set name = this.include(database=false) -%}
    do $secure$
    declare
        v_relation constant regclass := '{{ name }}';
        v_roles constant name[] := array['{{ roles | join("', '") }}'];
        v_is_table constant boolean := (select c.relkind = 'r' from pg_catalog.pg_class as c where c.oid = v_relation);
        v_stray record;
        v_role name;
    begin
        for v_stray in
            select distinct
                case when a.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end as grantee
            from pg_catalog.pg_class as c
            cross join lateral pg_catalog.aclexplode(c.relacl) as a
            where
                c.oid = v_relation
                and a.grantee <> c.relowner
                and (
                    a.privilege_type <> 'SELECT'
                    or a.is_grantable
                    or pg_catalog.pg_get_userbyid(a.grantee) <> all (v_roles)
                )
        loop
            execute format('revoke all on {{ name }} from %s cascade', v_stray.grantee);
        end loop;

        foreach v_role in array v_roles loop
            {{ grant_usage('v_role') }}
            if not has_table_privilege(v_role, v_relation, 'select') then
                execute format('grant select on {{ name }} to %I', v_role);
            end if;
        end loop;

        if v_is_table then
            if not (select c.relrowsecurity from pg_catalog.pg_class as c where c.oid = v_relation) then
                alter table {{ name }} enable row level security;
            end if;
            if not exists (
                select
                from pg_catalog.pg_policy as p
                where
                    p.polrelid = v_relation
                    and p.polname = 'everybody_reads'
                    and p.polcmd = 'r'
                    and p.polpermissive
                    and pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true'
                    and (select array_agg(pg_catalog.pg_get_userbyid(r.oid) order by 1) from unnest(p.polroles) as r (oid))
                    = (select array_agg(r.role_name order by 1) from unnest(v_roles) as r (role_name))
            ) then
                drop policy if exists everybody_reads on {{ name }};
                create policy everybody_reads on {{ name }} for select to {{ roles | join(', ') }} using (true);
            end if;
        end if;
    end
    $secure$
{% endmacro %}


{#- `function`: an expression for the function's oid; where it is null, nothing happens. -#}
{% macro secure_function(function, roles) %}
    do $secure$
    declare
        v_roles constant name[] := array['{{ roles | join("', '") }}'];
        v_function constant regprocedure := {{ function }};
        v_stray record;
        v_role name;
    begin
        if v_function is null then
            return;
        end if;

        for v_stray in
            select distinct
                case when a.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end as grantee
            from pg_catalog.pg_proc as p
            -- No list at all stands for PostgreSQL's own default, by which everybody executes.
            cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as a
            where
                p.oid = v_function
                and a.grantee <> p.proowner
                and (
                    a.is_grantable
                    or a.grantee = 0
                    or pg_catalog.pg_get_userbyid(a.grantee) <> all (v_roles)
                )
        loop
            execute format('revoke all on function %s from %s cascade', v_function, v_stray.grantee);
        end loop;

        foreach v_role in array v_roles loop
            {{ grant_usage('v_role') }}
            if not has_function_privilege(v_role, v_function, 'execute') then
                execute format('grant execute on function %s to %I', v_function, v_role);
            end if;
        end loop;
    end
    $secure$
{% endmacro %}


{% macro roles_of(node) %}
    {%- do return(node.config.meta.get('api_roles', var('api_roles'))) -%}
{% endmacro %}


{% macro function_called(relation) -%}
    (
        select p.oid
        from pg_catalog.pg_proc as p
        where p.pronamespace = '{{ relation.schema }}'::regnamespace and p.proname = '{{ relation.identifier }}'
    )
{%- endmacro %}


{#- Two models of one schema may be here at once, and PostgreSQL lets only one of them change it. -#}
{% macro grant_usage(role) %}
            if not has_schema_privilege({{ role }}, '{{ this.schema }}', 'usage') then
                perform pg_advisory_xact_lock(hashtext('ticketmarts.secure'));
            end if;
            if not has_schema_privilege({{ role }}, '{{ this.schema }}', 'usage') then
                execute format('grant usage on schema {{ adapter.quote(this.schema) }} to %I', {{ role }});
            end if;
{% endmacro %}
