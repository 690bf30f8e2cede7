// Which view an address (after its #) stands for. Addresses hold ids and filters, never payloads.

/** Split the address: `#/runs/01J?status=failed` is the parts ["runs", "01J"] and the query. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decode);
  return { parts, query: new URLSearchParams(query) };
}

/** The address of a view; empty values leave their key out. */
export function to(parts, query = {}) {
  const path = parts.map((part) => encodeURIComponent(part)).join("/");
  const given = Object.entries(query).filter(([, value]) => value);
  const search = new URLSearchParams(given).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

export function go(address) {
  location.hash = address;
}

/** Note filters in the address without a step in the browser's history. */
export function note(address) {
  history.replaceState(null, "", address);
  keepList();
}

const lists = new Map();

/** Remember the address of the list that is shown, with its filters. */
export function keepList() {
  lists.set(here().parts[0], location.hash);
}

/** The list of a section as it was left. */
export function listOf(section) {
  return lists.get(section) ?? to([section]);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
