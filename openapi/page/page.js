// Shows the document, and logs in with whatever tokens login and refresh answer.

const session = document.querySelector("#session");

const ui = globalThis.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
  syntaxHighlight: { theme: "nord" },
  // Nobody else is told of this document.
  validatorUrl: null,
  responseInterceptor: authorize,
});

// Swagger UI follows a link into the page only when it is opened with it.
session.addEventListener("click", ({ target }) => {
  if (target.hash) ui.layoutActions.parseDeepLinkHash(target.hash);
});

/** Takes the access token out of an answer that has one, and says so. */
function authorize(response) {
  const { pathname } = new URL(response.url, location.href);
  const [, action] = /^\/api\/auth\/(login|refresh|logout)\/?$/.exec(pathname) ?? [];
  if (response.status === 200 && action !== undefined) {
    ui.preauthorizeApiKey("bearer", response.body?.access ?? JSON.parse(response.text).access);
    session.textContent = "Logged in: what you send carries your access token, for 15 minutes.";
  } else if (response.status === 204 && action === "logout") {
    ui.authActions.logout(["bearer"]);
    session.textContent = "Logged out.";
  }
  return response;
}
