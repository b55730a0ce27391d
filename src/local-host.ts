/** Whether the host of a URL is this machine: what is sent there does not leave it. */
export const isLocal = ({ hostname }: URL): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(hostname);

/** Whether a text is a URL to which a password may be sent: `https:`, or `http:` on this machine. */
export function isSecureUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "https:" || (url?.protocol === "http:" && isLocal(url));
}

/** What `isSecureUrl` accepts, to complete an error message. */
export const SECURE_URL_RULE = "must begin with https:// (or http:// for localhost, 127.0.0.1 or [::1])";
