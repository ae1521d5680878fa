-- Realtime: what is in the publication that Supabase's Realtime server follows, where there is one.
--
-- A publication is changed by its owner, on hosted Supabase postgres, and only with tables that are its own. dbt works
-- as another role, and makes a mart anew from time to time, which drops it from the publication. So it asks a function
-- that has the rights of who migrates: postgres, again, who is a member of the marts' owner.

set lock_timeout = '5s';

create schema publishing;
comment on schema publishing is 'What dbt may change of Supabase''s Realtime publication. Not served by the Data API.';
grant usage on schema publishing to ticketmarts_transformer;

create function publishing.publish(p_mart regclass) returns text
language plpgsql security definer
set search_path = ''
as $$
declare
    v_publication constant name := 'supabase_realtime';
    v_schema name;
    v_table name;
begin
    select
        n.nspname,
        c.relname
    into strict v_schema, v_table
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where c.oid = p_mart;
    if v_schema <> 'marts' then
        raise exception '% is no mart', p_mart;
    end if;
    if not exists (select from pg_catalog.pg_publication as p where p.pubname = v_publication) then
        return 'no publication';
    end if;
    if not exists (
        select
        from pg_catalog.pg_publication_tables as t
        where t.pubname = v_publication and t.schemaname = v_schema and t.tablename = v_table
    ) then
        execute pg_catalog.format('alter publication %I add table %I.%I', v_publication, v_schema, v_table);
    end if;
    return 'published';
exception
    when insufficient_privilege then
        return 'refused';
end;
$$;
comment on function publishing.publish is
'Puts a mart into the publication supabase_realtime, and says what came of it: published, no publication, or refused, where the publication is of another owner than this function.';
revoke execute on function publishing.publish(regclass) from public;
grant execute on function publishing.publish(regclass) to ticketmarts_transformer;
