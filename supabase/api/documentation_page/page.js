// The API's description, for whoever the reader is: with a token under "Authorize", that of what the token may read.

const DOCUMENT = "/openapi.json";
const anonKey = document.querySelector('meta[name="anon-key"]').content;
let isStarted = false;

/** After a log-in or a log-out the document is another one. Where a key or a token is refused, the one before stays. */
async function showDocumentOfReader({ authSelectors, errActions, specActions }) {
  const { apikey, bearer } = authSelectors.authorized().toJS();
  const headers = {
    ...(apikey && { apikey: apikey.value }),
    ...(bearer && { Authorization: `Bearer ${bearer.value}` }),
  };
  const answer = await fetch(DOCUMENT, { headers });
  errActions.clear({ source: "auth" });
  if (answer.ok) specActions.updateSpec(await answer.text());
  else errActions.newAuthErr({ authId: "Authorize", level: "error", source: "auth", message: (await answer.json()).message });
}

const documentOfReader = () => ({
  statePlugins: {
    auth: {
      wrapActions: Object.fromEntries(
        ["authorize", "logout"].map((action) => [
          action,
          (original, system) => (payload) => {
            const result = original(payload);
            if (isStarted) showDocumentOfReader(system);
            return result;
          },
        ]),
      ),
    },
  },
});

const ui = SwaggerUIBundle({
  url: DOCUMENT,
  dom_id: "#page",
  plugins: [documentOfReader],
  validatorUrl: null, // asks a server elsewhere
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  onComplete: () => {
    if (isStarted) return;
    ui.preauthorizeApiKey("apikey", anonKey);
    isStarted = true;
  },
});
