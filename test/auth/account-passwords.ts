import type { Api } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";

/** The status of a login. */
export const tryLogin = async (api: Api, username: string, password: string) =>
  (await api.post("/api/auth/login/", { username, password })).status;

export const NEW_PASSWORD = "another horse entirely";
export const changePassword = (account: { post: Api["post"] }, current: string, newPassword = NEW_PASSWORD) =>
  account.post("/api/auth/password/", { current, new: newPassword });

/** The hash of an account's password, and how it was made. */
export const storedPasswordOf = async (id: number) => {
  const [row] =
    await asOwner`SELECT password_hash, password_trimmed, password_prehashed FROM users WHERE id = ${id}`;
  return row as { password_hash: string; password_trimmed: boolean; password_prehashed: boolean };
};

export const hashOf = async (id: number) => (await storedPasswordOf(id)).password_hash;
