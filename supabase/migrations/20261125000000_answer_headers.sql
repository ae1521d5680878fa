-- What the Data API says beside an answer: for how long it may be kept.
--
-- PostgREST calls gateway.before_request() before every request (its option db-pre-request), as the request's role and
-- in its transaction, and sends what response.headers then holds along with the answer. It tells a function of the path
-- and not of the filters, so that a view's answer may be kept for seconds only, whichever hours it is asked for. The
-- functions that are asked for a range or an instant know better, and say so (gateway.keep_if_settled).

set lock_timeout = '5s';

create schema gateway;
comment on schema gateway is
'Headers of the Data API''s answers. Not served by it; PostgREST calls before_request, functions of public the rest.';
grant usage on schema gateway to authenticator, anon, authenticated, service_role;

create function gateway.keep_for(p_seconds integer) returns void
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
                    when p_seconds = 0 then 'no-store'
                    when current_user = 'anon' then format('public, max-age=%s', p_seconds)
                    else format('private, max-age=%s', p_seconds)
                end
            ),
            jsonb_build_object('Vary', 'Accept, Accept-Profile, Authorization, Prefer, Range, apikey')
        )::text,
        true
    );
end
$$;
comment on function gateway.keep_for is
'Lets whoever reads the answer of a GET keep it for so many seconds: everybody on the way where anon asks, the client alone for other roles. 0: nobody.';

create function gateway.before_request() returns void
language plpgsql
set search_path = ''
as $$
declare
    v_path constant text := regexp_replace(current_setting('request.path', true), '^.*/(rpc/)?', '');
begin
    perform gateway.keep_for(
        case
            when v_path in ('pipeline_health', 'market_changes') then 0
            when v_path in ('events', 'performers', 'search_events') then 60
            when v_path in ('event_live', 'listings_live', 'listings_at', 'pair_get_in') then 5
            else 30
        end
    );
end
$$;
comment on function gateway.before_request is
'For PostgREST''s db-pre-request. How long an answer may be kept by what is asked: nothing of operations and of the feed, seconds of what is live, a minute of what names things.';

-- An hour and no less: a capture that looked partial is held until the next one confirms it, a round later, and is then
-- stored as of when it was made.
create function gateway.is_settled(p_event_id bigint, p_until timestamptz) returns boolean
language sql stable security definer
set search_path = ''
as $$
    select
        p_until <= now() - interval '1 hour'
        and not exists (
            select
            from raw.stale_hours as s
            where s.event_id = p_event_id and s.hour_at < p_until
        );
$$;
comment on function gateway.is_settled is
'Whether everything of the event before p_until has closed and is rolled up, so that only an import of older captures could change it.';

create function gateway.keep_if_settled(p_event_id bigint, p_until timestamptz) returns void
language plpgsql
set search_path = ''
as $$
begin
    if current_setting('request.method', true) in ('GET', 'HEAD') and gateway.is_settled(p_event_id, p_until) then
        perform gateway.keep_for(24 * 60 * 60);
    end if;
end
$$;
comment on function gateway.keep_if_settled is
'Lets an answer that reads nothing at or after p_until be kept for a day, if gateway.is_settled.';

revoke execute on all functions in schema gateway from public;
grant execute on all functions in schema gateway to anon, authenticated, service_role;
-- The local server sets the role and calls this in one statement, and rights are checked before it begins.
grant execute on function gateway.before_request() to authenticator;
