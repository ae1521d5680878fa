-- Answers to those who have logged in can be shared, too: what a role reads here is the same for each of its users. And
-- what is polled (the feed, the pipeline's health) holds for a moment, so that many who ask at once cost what one does.

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

create or replace function gateway.before_request() returns void
language plpgsql
set search_path = ''
as $$
declare
    v_path constant text := regexp_replace(current_setting('request.path', true), '^.*/(rpc/)?', '');
begin
    perform gateway.keep_for(
        case
            when v_path = 'market_changes' then 2
            when v_path in ('events', 'performers', 'search_events') then 60
            when v_path in ('event_live', 'listings_live', 'listings_at', 'pair_get_in', 'pipeline_health') then 5
            else 30
        end
    );
end
$$;
comment on function gateway.before_request is
'For PostgREST''s db-pre-request. How long an answer may be kept by what is asked: seconds of the feed, of operations and of what is live, a minute of what names things.';
