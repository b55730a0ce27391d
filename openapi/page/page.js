// Shows the OpenAPI document in Swagger UI, and sends later requests with the access token of the last login, refresh or
// change of the password.

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
  // The default sends the URL of the document to validator.swagger.io.
  validatorUrl: null,
  responseInterceptor: updateSession,
});

// Swagger UI opens the operation in the URL only when the page loads.
session.addEventListener("click", ({ target }) => {
  if (target.hash) ui.layoutActions.parseDeepLinkHash(target.hash);
});

/** Stores the access token of a new pair of tokens, removes it after a logout, and shows the state. */
function updateSession(response) {
  const { pathname } = new URL(response.url, location.href);
  const [, action] = /^\/api\/auth\/(login|refresh|password|logout)\/?$/.exec(pathname) ?? [];
  if (response.status === 200 && action !== undefined) {
    ui.preauthorizeApiKey("bearer", response.body?.access ?? JSON.parse(response.text).access);
    session.textContent =
      "Logged in: your requests carry your access token, which is valid for 15 minutes at most.";
  } else if (response.status === 204 && action === "logout") {
    ui.authActions.logout(["bearer"]);
    session.textContent = "Logged out.";
  }
  return response;
}
