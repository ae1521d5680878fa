// PostgREST's interface by @supabase/lite, in this process.

import { App } from "@supabase/lite";

import { connect } from "./connection.mjs";
import { isPlainList, JsonText } from "./json_text.mjs";
import { answerAsPostgrest } from "./postgrest_manners.mjs";
import { answerInScope, PREFIX, requestScope } from "./request_scope.mjs";

/** A server of the schema `public`: `fetch` answers requests, `reload` looks at the schema anew, `stop` disconnects. */
export function startLite({ requestUrl, introspectionUrl, jwtSecret, roleOfKey, maxRows }) {
  const { requests, introspector } = connect(requestUrl, introspectionUrl);
  const app = new App({
    connection: requests,
    api: { enabled: true, schemas: ["public"], extra_search_path: ["public"], max_rows: maxRows },
    auth: { enabled: false, jwt_secret: jwtSecret },
    storage: { enabled: false },
    studio: { enabled: false },
    options: {
      server: { admin: false, disableStudio: true, apiKeys: { resolver: async (key) => resolved(roleOfKey.get(key)) } },
    },
  });
  const answer = async (asked, path) => {
    const { functions } = await requests.introspect({ useCache: true });
    const scope = requestScope.getStore();
    scope.jsonText = isPlainList(asked, path, functions) ? new JsonText() : null;
    const response = await app.fetch(asked);
    return scope.jsonText === null ? response : scope.jsonText.into(response);
  };
  return {
    fetch: (request) => {
      const path = new URL(request.url).pathname.slice(PREFIX.length);
      return answerInScope(request, () => answerAsPostgrest(request, path, maxRows, (asked) => answer(asked, path)));
    },
    reload: () => introspector.introspect({ useCache: false }),
    isReady: async () => true,
    stop: () => Promise.all([requests, introspector].map(({ driver }) => driver.end({ timeout: 1 }))),
  };
}

function resolved(role) {
  if (role === undefined) return null;
  return { type: role === "anon" ? "publishable" : "secret", claims: { role } };
}
