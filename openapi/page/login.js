import { currentSession, logIn, logOut, sessionChanges } from "./session.js";

// The bar: who is logged in and until when, the dialog to log in, and the button to log out.

const element = (id) => document.getElementById(id);
const [dialog, form, error] = [
  element("login"),
  document.querySelector("#login form"),
  element("login-error"),
];
const submit = form.querySelector("[type=submit]");
/** Changes the text of the bar when the access token expires. */
let expiry;

element("log-in").addEventListener("click", () => dialog.showModal());
element("cancel").addEventListener("click", () => dialog.close());
// Reloading removes what the page still shows and remembers of the patients.
element("log-out").addEventListener("click", () => logOut().finally(() => location.reload()));
dialog.querySelector("a").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  form.reset();
  error.textContent = "";
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  submit.disabled = true;
  try {
    await logIn(form.username.value, form.password.value);
    dialog.close();
    element("log-out").focus();
  } catch ({ message }) {
    error.textContent = message;
  } finally {
    submit.disabled = false;
  }
});

sessionChanges.addEventListener("change", ({ detail }) => {
  const session = currentSession();
  clearTimeout(expiry);
  if (session) expiry = setTimeout(showExpiry, session.expiresAt - Date.now());
  element("session").textContent = session ? describe(session) : detail;
  element("log-in").hidden = session !== undefined;
  element("log-out").hidden = session === undefined;
});

function describe({ username, expiresAt, mustChangePassword }) {
  if (mustChangePassword) return "Logged in: change your password first";
  const time = new Date(expiresAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return `Logged in as ${username} until ${time}`;
}

function showExpiry() {
  element("session").textContent =
    `Logged in as ${currentSession().username}; the next request renews the token`;
}
