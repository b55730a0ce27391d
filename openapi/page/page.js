import { mendAccessibility } from "./accessibility.js";
import { fetchDocument } from "./document.js";
import "./login.js";
import { currentSession, fetchWithSession, sessionChanges } from "./session.js";

// Shows the OpenAPI document in Scalar. The requests that it sends carry the access token of the login (session.js).

// zod, which Scalar uses, would compile its checks with `new Function`. The page's policy does not allow that.
globalThis.__zod_globalConfig = { jitless: true };
const { createApiReference } = await import("./scalar/standalone.esm.js");

const documentUrl = "/openapi.json";
const configuration = {
  url: documentUrl,
  customFetch: (input, init) =>
    String(input).endsWith(documentUrl) ? fetchDocument(documentUrl) : fetchWithSession(input, init),
  documentDownloadType: "direct",
  // As in the document: the order of the columns, and of the steps of a session.
  orderSchemaPropertiesBy: "preserve",
  orderRequiredPropertiesFirst: false,
  generateOperationSlug: ({ operationId }) => operationId,
  // Bookmarks of version 1.1 and older: #/Accounts/login
  redirect: (hash) => hash.replace(/^#\/([^/]+)\/(\w+)$/, (_, tag, id) => `#tag/${slug(tag)}/${id}`),
  setPageTitle: ({ title, document }) => `${title} · ${document.title} reference`,
  // Nothing comes from elsewhere, and nothing is sent elsewhere. Scalar's defaults for these are on.
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
};
const reference = createApiReference("#reference", withToken());

sessionChanges.addEventListener("change", () => reference.updateConfiguration(withToken()));
mendAccessibility(document.body);
followLink();
addEventListener("hashchange", followLink);
// The hash of the URL names what Scalar shows, so this link must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#reference").focus();
});

/** The configuration with the access token of the login, which the examples of requests show too. */
function withToken() {
  const token = currentSession()?.access ?? "";
  const authentication = { preferredSecurityScheme: "bearer", securitySchemes: { bearer: { token } } };
  return { ...configuration, authentication };
}

/** Not decoded: names of groups have no other character that a URL encodes, and a malformed link would throw. */
function slug(tag) {
  return tag.toLowerCase().replaceAll(/%20| /g, "-");
}

/**
 * Keeps the operation of a link in view while the page above it is still being drawn. Scalar tries that for a fixed time, which is too
 * short on a slow computer. It ends when the reader does something.
 */
function followLink() {
  const id = location.hash.split("/").pop();
  if (!/^\w+$/.test(id)) return;
  const scroll = () => document.querySelector(`section[id$="/${id}"]`)?.scrollIntoView();
  const observer = new ResizeObserver(scroll);
  observer.observe(document.querySelector("#reference"));
  for (const event of ["wheel", "touchstart", "pointerdown", "keydown", "hashchange"])
    addEventListener(event, () => observer.disconnect(), { once: true, passive: true });
}
