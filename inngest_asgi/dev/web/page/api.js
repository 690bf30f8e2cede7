// Asks the server. Its key, where it wants one, is kept for this tab only and sent with each request.

import { read } from "./exact.js";

const KEY = "inngest-asgi.signing-key";

let askForKey = () => {};

/** Name who asks the user for the key when the server wants one. */
export function onMissingKey(ask) {
  askForKey = ask;
}

export function keepKey(key) {
  sessionStorage.setItem(KEY, key.trim());
}

/** An answer that is no success; the message is the server's own sentence. */
class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function get(path, query, signal) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(given).toString();
  return ask(search ? `${path}?${search}` : path, { signal });
}

export function post(path, document) {
  return ask(path, { method: "POST", body: JSON.stringify(document ?? {}) });
}

export function remove(path, query) {
  return ask(`${path}?${new URLSearchParams(query)}`, { method: "DELETE" });
}

/** Send a request; what comes back is the response itself, whatever its status. */
export async function request(path, options = {}) {
  const headers = {};
  if (options.body) headers["Content-Type"] = "application/json";
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  // Relative to the document, so that the page works wherever the server is mounted.
  const url = new URL(path.slice(1), document.baseURI);
  const response = await fetch(url, { ...options, headers, cache: "no-store" });
  if (response.status === 401) askForKey();
  return response;
}

async function ask(path, options) {
  let response;
  try {
    response = await request(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is it still running?", 0);
  }
  const text = await response.text();
  if (!response.ok) throw new ApiError(reason(text, response), response.status);
  return text ? read(text) : null;
}

function reason(text, response) {
  try {
    const document = JSON.parse(text);
    return document.error ?? document.errors?.[0]?.message ?? document.message ?? text;
  } catch {
    return text || `The server answered with status ${response.status}.`;
  }
}
