// The list of events, and the form that sends one.

import { get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { editor, pretty } from "./json.js";
import { PagedList } from "./lists.js";
import { button, dialog, empty, snippet, status, statusWord } from "./parts.js";
import { go, here, note, to } from "./router.js";
import { curl, searchField } from "./runs.js";
import { ago, tellTime } from "./time.js";

const MOST_RUNS = 3;

export function open(root, { state }) {
  const filters = Object.fromEntries(here().query);
  const total = h("span", { class: "muted" });
  const search = searchField("Search by event id or name", filters.q, (text) => change({ q: text }));
  const internal = h(
    "button",
    { type: "button", class: "chip", "aria-pressed": String(filters.internal === "1"), onclick: () => {
      change({ internal: filters.internal === "1" ? "" : "1" });
      internal.setAttribute("aria-pressed", String(filters.internal === "1"));
    } },
    "Server's own events",
  );
  const list = new PagedList({
    label: "Events",
    columns: [["Event"], ["Data"], ["Started"], ["Received", "right"]],
    load: async (cursor) => {
      const page = await get("/ui/events", { q: filters.q, internal: filters.internal, cursor, limit: cursor ? 100 : 50 });
      tellTime(page.now);
      return { items: page.events, cursor: page.cursor };
    },
    order: (one, other) => (one.id < other.id ? 1 : one.id > other.id ? -1 : 0),
    row: eventRow,
    version: (event) => event.runs.map((run) => run.id + run.status).join(),
    none: () => nothing(filters, state),
    onShow: (shown, goesOn) => {
      total.textContent = goesOn ? "" : `${shown} ${shown === 1 ? "event" : "events"}`;
    },
  });

  function change(values) {
    Object.assign(filters, values);
    note(to(["events"], filters));
    list.restart();
  }

  fill(
    root,
    h(
      "div",
      { class: "head" },
      h("h1", {}, "Events"),
      total,
      button("Send event", { sign: "send", kind: "primary", onclick: () => sendEvent(firstEvent(state)) }),
    ),
    h("div", { class: "tools" }, search, h("div", { class: "chips" }, internal)),
    h("div", { class: "events" }, list.element),
  );
  list.restart();
  return {
    title: "Events",
    onNews(news) {
      if (news.runs === "any") list.refresh((event) => event.runs.some((run) => !run.ended_at));
      else if (news.events || news.runs.length) list.refresh((event) => event.runs.some((run) => news.runs.includes(run.id)));
    },
    close: () => list.close(),
  };
}

/** Open the form that sends an event; `document` is what it begins with. */
export function sendEvent(document, title = "Send an event") {
  const field = editor("Event", pretty(document), eventProblem);
  const problem = h("p", { class: "hint bad", role: "alert" });
  dialog(title, "Functions whose triggers fit start at once.", (close) =>
    h(
      "form",
      {
        class: "form",
        onsubmit: async (event) => {
          event.preventDefault();
          const { ok, value } = field.read();
          if (!ok) {
            field.area.focus();
            return;
          }
          problem.textContent = "";
          try {
            const { ids } = await post("/ui/events", value);
            close();
            go(to(["events", ids[0]]));
          } catch (error) {
            problem.textContent = error.message;
          }
        },
      },
      field.parts,
      problem,
      h("div", { class: "actions" }, button("Cancel", { onclick: close }), button("Send", { kind: "primary", sign: "send", type: "submit" })),
    ),
  );
}

/** What keeps a value from being an event, or null; the server checks again. */
function eventProblem(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return "An event is an object: {\"name\": …, \"data\": {…}}.";
  if (typeof value.name !== "string" || !value.name) return "\"name\" is missing: a text such as \"shop/order.placed\".";
  if (value.name.startsWith("inngest/")) return "Names that begin with inngest/ are the server's own.";
  if (value.data !== undefined && (value.data === null || typeof value.data !== "object" || Array.isArray(value.data))) return "\"data\" must be an object.";
  if (value.id !== undefined && typeof value.id !== "string") return "\"id\" must be a text.";
  if (value.ts !== undefined && !Number.isInteger(value.ts)) return "\"ts\" must be Unix milliseconds.";
  return null;
}

function eventRow(event) {
  const more = event.runs.length - MOST_RUNS;
  return h(
    "a",
    { class: "row", href: to(["events", event.id]), "aria-label": `${event.name}, started ${event.runs.length} runs` },
    h("span", { class: "name clip" }, event.name),
    h("span", { class: "preview clip" }, event.preview || "{}"),
    h(
      "span",
      { class: "started" },
      event.runs.length
        ? event.runs.slice(0, MOST_RUNS).map((run) => h("span", { class: "tag", dataset: { status: run.status }, title: statusWord(run.status) }, status(run.status).firstElementChild, h("span", { class: "clip" }, run.name)))
        : h("span", { class: "muted" }, "no function"),
      more > 0 ? h("span", { class: "tag" }, `+${more}`) : null,
    ),
    h("span", { class: "when right muted" }, ago(event.received_at)),
  );
}

function firstEvent(state) {
  const name = state.functions.flatMap((one) => one.triggers).find((one) => one.event)?.event ?? "shop/order.placed";
  return { name: name.replace(/\*$/, "example"), data: {} };
}

function nothing(filters, state) {
  if (filters.q) return empty("search", "No event fits", "Search for the beginning of an event's id, or for a part of its name.");
  return empty("events", "No events yet", "Send one with the button above, from your program, or with curl:", snippet(curl(firstEvent(state).name)));
}
