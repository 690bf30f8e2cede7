// One event: its payload and what it started.

import { get } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { sendEvent } from "./events.js";
import { jsonPanel } from "./json.js";
import { walk } from "./lists.js";
import { button, copyable, empty } from "./parts.js";
import { listOf, to } from "./router.js";
import { runRow } from "./runs.js";
import { ago, exact, tellTime } from "./time.js";
import { inTurn } from "./turns.js";

export function open(root, { id }) {
  let shown = "";
  let isClosed = false;
  let watched = new Set();

  const load = inTurn(async () => {
    let found;
    try {
      found = await get(`/ui/events/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!shown && !isClosed) fill(root, crumbs(), empty("warn", "This event cannot be shown", error.message));
      return;
    }
    if (isClosed) return;
    tellTime(found.now);
    watched = new Set(found.runs.map((run) => run.id));
    const stamp = JSON.stringify([found.runs, found.held]);
    if (stamp === shown) return;
    shown = stamp;
    show(found);
  });

  function show({ event, runs, held }) {
    const rows = h("ul", { class: "rows", "aria-label": "Runs" }, runs.map((run) => h("li", {}, runRow(run))));
    rows.addEventListener("keydown", walk);
    fill(
      root,
      crumbs(),
      h(
        "div",
        { class: "head" },
        h("h1", {}, event.name),
        button("Send again…", { sign: "rerun", onclick: () => sendEvent(again(event.body), "Send it again, as it is or changed") }),
      ),
      h(
        "dl",
        { class: "facts" },
        fact("Id", copyable(event.id, "Copy the event's id")),
        event.body.id !== event.id ? fact("Its own id", copyable(event.body.id)) : null,
        fact("Received", ago(event.received_at)),
        fact("At", exact(event.received_at)),
      ),
      h(
        "div",
        { class: "stack" },
        h(
          "section",
          { class: "runs", "aria-label": "What it started" },
          h("div", { class: "group" }, h("h2", {}, "Started"), h("span", { class: "muted" }, `${runs.length} ${runs.length === 1 ? "run" : "runs"}`)),
          held.length ? h("dl", { class: "facts" }, held.map(heldBack)) : null,
          runs.length || !held.length ? h("div", { class: "list" }, runs.length ? rows : empty("functions", "No function started", "None listens to this name, or its expression, its rate limit or an id seen before kept it from starting. See what functions listen to under Functions.")) : null,
        ),
        jsonPanel("Payload", event.body),
      ),
    );
  }

  load();
  return {
    title: "Event",
    onNews(news) {
      if (news.runs === "any" || news.events || news.runs.some((run) => watched.has(run))) load();
    },
    close() {
      isClosed = true;
    },
  };
}

// Why a function did not start, or not at once.
function heldBack({ function: name, text, run, until }) {
  const what = until ? `${text}, until ${exact(until)}` : text;
  return fact(name, run ? h("a", { href: to(["runs", run]) }, what) : what);
}

function again(body) {
  const { id, ts, ...rest } = body;
  return rest;
}

function crumbs() {
  return h("div", { class: "crumbs" }, h("a", { href: listOf("events") }, icon("back"), "Events"));
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
