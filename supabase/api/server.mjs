// The local Data API: PostgREST's interface on the schema `public`, by PostgREST itself where API_POSTGREST_URL says
// that it runs, else by @supabase/lite. On hosted Supabase its own takes this place. What belongs here: settings, start
// and stop. Nothing here makes anything in the database.

import { serve } from "@hono/node-server";

import { AnswerCache } from "./answer_cache.mjs";
import { Documentation } from "./documentation.mjs";
import { makeGateway } from "./gateway.mjs";
import { startLite } from "./lite.mjs";
import { startPostgrest } from "./postgrest.mjs";
import { roleOfRequest } from "./request_role.mjs";
import { SchemaWatch } from "./schema_watch.mjs";

const HOST = "127.0.0.1";
const MAX_ROWS = 1000; // as on Supabase, in config.toml and postgrest.conf
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
const jwtSecret = required("SUPABASE_JWT_SECRET");
const roleOfKey = new Map([
  [required("SUPABASE_ANON_KEY"), "anon"],
  [required("SUPABASE_SERVICE_KEY"), "service_role"],
]);

const postgrestUrl = process.env.API_POSTGREST_URL;
const backend = postgrestUrl
  ? startPostgrest({ url: postgrestUrl, introspectionUrl, roleOfKey })
  : startLite({
      requestUrl: required("API_DATABASE_URL"),
      introspectionUrl,
      jwtSecret,
      roleOfKey,
      maxRows: MAX_ROWS,
    });
const documentation = new Documentation(roleOfKey, jwtSecret);
const answers = new AnswerCache((request) => roleOfRequest(request, roleOfKey, jwtSecret));
const forget = () => answers.clear();
const watch = new SchemaWatch(
  introspectionUrl,
  async (sql) => {
    await backend.reload();
    forget();
    await documentation.reload(sql); // afterwards: what it tells of is answered
  },
  forget,
);
const gateway = makeGateway(backend, answers, async () => watch.isReady && (await backend.isReady()), documentation.routes);

const server = serve({ fetch: gateway.fetch, hostname: HOST, port }, () => console.log(`Data API on http://${HOST}:${port}`));
server.on("error", (error) => {
  console.error(`error: cannot listen on port ${port} (API_PORT): ${error.message}`);
  process.exit(1);
});
watch.start();

async function stop() {
  server.close();
  setTimeout(() => process.exit(0), STOP_MS).unref();
  await Promise.all([watch.stop(), backend.stop()]);
  process.exit(0);
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
