-- Answers to those who have logged in can be shared, too: what a role reads here is the same for each of its users.

set lock_timeout = '5s';

create or replace function gateway.keep_for(p_seconds integer) returns void
language plpgsql
set search_path = ''
as $$
begin
    if current_setting('request.method', true) not in ('GET', 'HEAD') then
        return;
    end if;
    -- One URL has several answers, by who asks and in which form.
    perform set_config(
        'response.headers',
        jsonb_build_array(
            jsonb_build_object(
                'Cache-Control',
                case
                    when current_user = 'anon' then format('public, max-age=%s', p_seconds)
                    -- An extension that RFC 9111 (5.2.3) has for its example: who does not know it reads "private".
                    else format('private, max-age=%s, community="%s"', p_seconds, current_user)
                end
            ),
            jsonb_build_object('Vary', 'Accept, Accept-Profile, Authorization, Prefer, Range, apikey')
        )::text,
        true
    );
end
$$;
comment on function gateway.keep_for is
'Lets whoever reads the answer of a GET keep it for so many seconds: everybody on the way where anon asks; for other roles the client, and a cache that knows roles (community). Row-level security that looks at the user would have to take community away.';
