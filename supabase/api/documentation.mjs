// GET /openapi.json, the API's description for whoever asks, and GET /, a page to read it and to try it out.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { Hono } from "hono";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";

import { readCatalogue } from "./catalogue.mjs";
import { describeApi } from "./openapi.mjs";
import { roleOfRequest } from "./request_role.mjs";

const OWN = new URL("documentation_page/", import.meta.url);
const LIBRARY = new URL("./", import.meta.resolve("swagger-ui-dist/package.json"));
const FILES = [
  ["page.js", OWN, "text/javascript"],
  ["page.css", OWN, "text/css"],
  ["swagger-ui-bundle.js", LIBRARY, "text/javascript"],
  ["swagger-ui.css", LIBRARY, "text/css"],
  ["favicon-32x32.png", LIBRARY, "image/png"],
];
// The page is whole: what it shows, runs and asks is here, and nobody frames it.
const HERE = ["'self'"];
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: HERE,
  connectSrc: HERE,
  styleSrc: HERE,
  imgSrc: [...HERE, "data:"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The documents of all roles: `reload` makes them anew, `routes` serves them and the page. */
export class Documentation {
  #documents = new Map();
  #roleOfKey;
  #jwtSecret;

  constructor(roleOfKey, jwtSecret) {
    this.#roleOfKey = roleOfKey;
    this.#jwtSecret = jwtSecret;
  }

  async reload(sql) {
    const catalogue = await readCatalogue(sql);
    this.#documents = new Map(catalogue.roles.map((role) => [role, JSON.stringify(describeApi(catalogue, role))]));
  }

  get routes() {
    const routes = new Hono();
    routes.use("/openapi.json", cors(), etag());
    routes.get("/openapi.json", (context) => this.#answer(context));
    routes.use("/docs/*", etag(), secureHeaders({ strictTransportSecurity: false }));
    for (const [name, folder, type] of FILES) {
      const path = fileURLToPath(new URL(name, folder));
      routes.get(`/docs/${name}`, async (context) => context.body(await readFile(path), 200, fileHeaders(type)));
    }
    routes.use("/", secureHeaders({ contentSecurityPolicy: POLICY, strictTransportSecurity: false }));
    routes.get("/", async (context) => context.html(await this.#page(), 200, { "Cache-Control": "no-cache" }));
    return routes;
  }

  async #answer(context) {
    const role = await roleOfRequest(context.req.raw, this.#roleOfKey, this.#jwtSecret);
    if (this.#documents.size === 0) return context.json({ message: "the database has not answered yet" }, 503);
    const document = this.#documents.get(role);
    if (document === undefined) {
      const hint = "Send a key as apikey and a valid token as bearer, or neither for what anon may read.";
      return context.json({ message: "the key or the token is not ours", hint }, 401);
    }
    const headers = { "Cache-Control": "no-cache", Vary: "apikey, Authorization" };
    return context.body(document, 200, { ...headers, "Content-Type": "application/json; charset=utf-8" });
  }

  /** With the anonymous key in it, which is for everybody. */
  async #page() {
    const [anonKey] = [...this.#roleOfKey].find(([, role]) => role === "anon");
    const page = await readFile(new URL("index.html", OWN), "utf-8");
    return page.replace("{{ anon_key }}", anonKey);
  }
}

function fileHeaders(type) {
  return { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-cache" };
}
