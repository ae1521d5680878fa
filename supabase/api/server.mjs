// The local Data API: PostgREST's interface on the schema `public`, by @supabase/lite. On hosted Supabase its own takes
// this place. What belongs here: HTTP, keys, start and stop. Nothing here makes anything in the database.
//
// GET /healthz answers 200 once the database does; everything under /rest/v1 is the API.

import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";

import { connect } from "./connection.mjs";
import { SchemaWatch } from "./schema_watch.mjs";

const HOST = "127.0.0.1";
const MAX_ROWS = 1000; // as on Supabase and in config.toml
const STOP_MS = 3000;

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`error: ${name} is not set. \`ticketmarts up\` starts this program and sets what it needs.`);
    process.exit(2);
  }
  return value;
}

const port = Number(required("API_PORT"));
const introspectionUrl = required("API_INTROSPECTION_URL");
const roleOfKey = new Map([
  [required("SUPABASE_ANON_KEY"), { type: "publishable", claims: { role: "anon" } }],
  [required("SUPABASE_SERVICE_KEY"), { type: "secret", claims: { role: "service_role" } }],
]);

const { requests, introspector } = connect(required("API_DATABASE_URL"), introspectionUrl);
const app = new App({
  connection: requests,
  api: { enabled: true, schemas: ["public"], extra_search_path: ["public"], max_rows: MAX_ROWS },
  auth: { enabled: false, jwt_secret: required("SUPABASE_JWT_SECRET") },
  storage: { enabled: false },
  studio: { enabled: false },
  options: {
    server: { admin: false, disableStudio: true, apiKeys: { resolver: async (key) => roleOfKey.get(key) ?? null } },
  },
});
const watch = new SchemaWatch(introspectionUrl, () => introspector.introspect({ useCache: false }));

function json(status, body) {
  return Response.json(body, { status });
}

function answer(request) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/rest/v1/")) return app.fetch(request);
  if (pathname === "/healthz") return json(watch.isReady ? 200 : 503, { is_ready: watch.isReady });
  return json(404, { message: `nothing at ${pathname}`, hint: "the Data API is at /rest/v1/" });
}

const server = serve({ fetch: answer, hostname: HOST, port }, () => console.log(`Data API on http://${HOST}:${port}`));
server.on("error", (error) => {
  console.error(`error: cannot listen on port ${port} (API_PORT): ${error.message}`);
  process.exit(1);
});
watch.start();

async function stop() {
  server.close();
  setTimeout(() => process.exit(0), STOP_MS).unref();
  const connections = [requests.driver, introspector.driver];
  await Promise.all([watch.stop(), ...connections.map((driver) => driver.end({ timeout: 1 }))]);
  process.exit(0);
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
