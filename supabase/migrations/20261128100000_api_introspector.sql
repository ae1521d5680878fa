-- The role by which an API server of one's own sees what views there are could read the whole database, and the server
-- has its password. Where there is such a role, it may now read what requests may, no more. Hosted Supabase has none.

set lock_timeout = '5s';

do $$
begin
    if exists (
        select
        from pg_auth_members as m
        inner join pg_roles as member on m.member = member.oid
        inner join pg_roles as granted on m.roleid = granted.oid
        where member.rolname = 'api_introspector' and granted.rolname = 'pg_read_all_data'
    ) then
        grant anon, authenticated, service_role to api_introspector;
        revoke pg_read_all_data from api_introspector;
    end if;
end
$$;
