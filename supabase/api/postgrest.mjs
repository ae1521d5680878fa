// PostgREST itself, which runs beside this process: what Supabase's gateway does in front of it.

import { proxy } from "hono/proxy";
import postgres from "postgres";

import { driverOptions } from "./connection.mjs";
import { PREFIX } from "./request_scope.mjs";

const NO_KEY = { message: "No API key found in request", hint: "Send the anonymous key in the header apikey." };
const WRONG_KEY = { message: "Invalid API key", hint: "Send the anonymous key, or the service key, in the header apikey." };

/** As startLite; `url` is where PostgREST listens. */
export function startPostgrest({ url, introspectionUrl, roleOfKey }) {
  const sql = postgres(introspectionUrl, { ...driverOptions, max: 1 });
  return {
    fetch: (request) => forward(request, url, roleOfKey),
    reload: () => sql.notify("pgrst", "reload schema"),
    isReady: () => fetch(url, { method: "HEAD" }).then(({ ok }) => ok, () => false),
    stop: () => sql.end({ timeout: 1 }),
  };
}

/** PostgREST knows of tokens and not of keys. A key is a token itself: that of who has no other. */
async function forward(request, url, roleOfKey) {
  const { pathname, search, searchParams } = new URL(request.url);
  const key = request.headers.get("apikey") ?? searchParams.get("apikey");
  if (request.method !== "OPTIONS") {
    if (key === null) return Response.json(NO_KEY, { status: 401 });
    if (!roleOfKey.has(key)) return Response.json(WRONG_KEY, { status: 401 });
  }
  const headers = new Headers(request.headers);
  headers.delete("apikey");
  if (key !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${key}`);
  const target = `${url}${pathname.slice(PREFIX.length)}${withoutKey(search)}`;
  return proxy(target, { raw: request, headers });
}

function withoutKey(search) {
  const parts = search.slice(1).split("&").filter((part) => part !== "" && !part.startsWith("apikey="));
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
