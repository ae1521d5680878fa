// HTTP in front of the server that answers: paths, ETags, whether everything is ready.

import { Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";

import { PREFIX } from "./request_scope.mjs";

// A browser refuses an answer from elsewhere that does not say who may have it, also where it has the body already.
const KEPT_ON_304 = [
  ...RETAINED_304_HEADERS,
  "access-control-allow-credentials",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "content-range",
];

/**
 * The application: GET /healthz answers 200 once `isReady()`; everything under /rest/v1 is answered by `backend`,
 * or from what the cache `answers` has kept of it, the rest by the routes of `documentation`.
 */
export function makeGateway(backend, answers, isReady, documentation) {
  const gateway = new Hono();
  gateway.use(`${PREFIX}/*`, etag({ retainedHeaders: KEPT_ON_304 }));
  gateway.all(`${PREFIX}/*`, (context) => answers.answer(context.req.raw, (request) => backend.fetch(request)));
  gateway.get("/healthz", async (context) => {
    const ready = await isReady();
    return context.json({ is_ready: ready }, ready ? 200 : 503);
  });
  gateway.route("/", documentation);
  gateway.notFound((context) =>
    context.json({ message: `nothing at ${context.req.path}`, hint: `the Data API is at ${PREFIX}/, its description at /` }, 404),
  );
  return gateway;
}
