{#-
Who may read a relation of the marts or the API, brought to what is configured and nothing else: usage on the schema
and select for the roles of the model's api_roles, else of the variable's, no other privilege for anybody; on a table also row-level security with one
policy that lets those roles read. Idempotent, and silent where all of that is so already, because PostgREST reloads
its schema cache on any DDL.
-#}
{% macro secure() %}
    {%- set roles = config.get('api_roles') or var('api_roles') -%}
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
            -- Two models of one schema may be here at once, and PostgreSQL lets only one of them change it.
            if not has_schema_privilege(v_role, '{{ this.schema }}', 'usage') then
                perform pg_advisory_xact_lock(hashtext('ticketmarts.secure'));
            end if;
            if not has_schema_privilege(v_role, '{{ this.schema }}', 'usage') then
                execute format('grant usage on schema {{ adapter.quote(this.schema) }} to %I', v_role);
            end if;
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
