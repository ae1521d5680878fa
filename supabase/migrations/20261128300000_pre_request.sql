-- Who says for how long answers may be kept is told to hosted Supabase's PostgREST, too: it reads its settings from its
-- role, authenticator. What is searched is kept no longer than what is live, since it shows prices of now; and what is
-- polled (the feed, the pipeline's health) holds for a moment, so that many who ask at once cost what one does.

set lock_timeout = '5s';

-- Supabase lets postgres set what begins with pgrst. Where that is not so, whoever may does it by hand
-- (docs/SUPABASE_SETUP.md), and all else holds.
do $$
begin
    alter role authenticator set pgrst.db_pre_request = 'gateway.before_request';
exception
    when insufficient_privilege then
        raise notice 'may not set pgrst.db_pre_request of authenticator, which stays as it is';
end
$$;

notify pgrst, 'reload config';

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
            when v_path in ('events', 'performers') then 60
            when v_path in ('event_live', 'search_events', 'listings_live', 'listings_at', 'pair_get_in') then 5
            when v_path = 'pipeline_health' then 5
            else 30
        end
    );
end
$$;
comment on function gateway.before_request is
'For PostgREST''s db-pre-request. How long an answer may be kept by what is asked: seconds of the feed, of operations and of what is live, a minute of what only names things.';

comment on function gateway.is_settled is
'Whether everything of the event before p_until has closed and is rolled up: only what comes late could change it (captures imported, retried from quarantine or confirmed, or a start of the event that moves).';
