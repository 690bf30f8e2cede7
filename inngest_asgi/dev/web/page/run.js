// One run: its timeline, what it was given and what came of it, and what one can do about it.

import { get, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { sendEvent } from "./events.js";
import { failure } from "./failure.js";
import { jsonPanel } from "./json.js";
import { log } from "./log.js";
import { attempt, button, confirm, copyable, empty, status } from "./parts.js";
import { go, listOf, to } from "./router.js";
import { stepPanel } from "./step.js";
import { ago, exact, lasted, tellTime } from "./time.js";
import { timeline } from "./timeline.js";
import { inTurn } from "./turns.js";

const FRAME = 400;

export function open(root, { id, part }) {
  let selected = part;
  let found = null;
  let isClosed = false;
  const shown = {};
  const head = h("div", {});
  const bars = timeline({ onSelect: (span) => go(span ? to(["runs", id, span.id]) : to(["runs", id])) });
  const outcome = h("div", { class: "stack" });
  const details = h("div", { class: "halves" });
  const records = h("section", { class: "panel", "aria-label": "Log" });
  const side = h("aside", { class: "run-side", hidden: true, "aria-label": "Step" });
  const grid = h("div", { class: "run-grid" }, h("div", { class: "stack" }, bars.element, outcome, details, records), side);
  const timer = setInterval(() => found && !document.hidden && bars.tick(), FRAME);

  const load = inTurn(async () => {
    try {
      const answer = await get(`/ui/runs/${encodeURIComponent(id)}`);
      if (isClosed) return;
      found = answer;
    } catch (error) {
      if (!found && !isClosed) fill(root, crumbs(), h("div", { class: "list" }, empty("warn", "This run cannot be shown", error.message)));
      return;
    }
    tellTime(found.now);
    if (head.parentNode !== root) fill(root, crumbs(), head, grid);
    show();
  });

  function show() {
    const { run, trace, events, output } = found;
    part = spanOf(trace, selected);
    changed("head", run, () => fill(head, heading(), facts()));
    bars.show(trace, part ? part.id : null);
    changed("outcome", [trace.error, run.status], () => fill(outcome, trace.error ? failure(trace.error) : null));
    changed("details", [events.length, run.status, trace.metadata], () =>
      fill(
        details,
        events.length ? jsonPanel(events.length > 1 ? `Input: ${events.length} events` : "Input", events.length > 1 ? events.map((one) => one.body) : events[0].body) : null,
        run.ended_at && !trace.error ? jsonPanel("Output", output) : null,
        Object.keys(trace.metadata).length ? jsonPanel("Metadata", trace.metadata) : null,
      ),
    );
    changed("log", found.log.length, () => fill(records, h("header", {}, h("h2", {}, "Log"), h("span", { class: "muted" }, `${found.log.length} entries`)), log(found.log)));
    changed("side", part && [part, run.ended_at], () => {
      grid.classList.toggle("with-side", Boolean(part));
      side.hidden = !part;
      fill(side, part ? stepPanel(found, part, { close: leaveStep }) : null);
    });
  }

  /** Build a part anew only when what it shows differs: selections and open branches stay. */
  function changed(name, value, build) {
    const stamp = JSON.stringify(value ?? null);
    if (shown[name] === stamp) return;
    shown[name] = stamp;
    build();
  }

  function heading() {
    const { run, events } = found;
    const event = events.length === 1 ? events[0] : null;
    return h(
      "div",
      { class: "head" },
      h("h1", {}, run.name),
      status(run.status, { badge: true }),
      h("span", { class: "grow" }),
      run.ended_at ? null : button("Cancel", { sign: "stop", kind: "danger", onclick: cancel }),
      event && !run.event.startsWith("inngest/") ? button("Edit and send again…", { onclick: () => sendAgain(event) }) : null,
      button("Rerun", { sign: "rerun", kind: "primary", onclick: rerun }),
    );
  }

  function facts() {
    const { run } = found;
    return h(
      "dl",
      { class: "facts" },
      fact("Run", copyable(run.id, "Copy the run's id")),
      fact("Function", h("a", { class: "link", href: to(["runs"], { function: run.function }) }, run.function)),
      fact(run.cron ? "Cron" : "Event", h("a", { class: "link clip", href: to(["events", run.event_id]) }, run.cron ?? run.event)),
      fact("Queued", ago(run.queued_at)),
      fact("Started", run.started_at ? h("span", { title: exact(run.started_at) }, exact(run.started_at)) : "–"),
      fact("Duration", lasted(run.started_at, run.ended_at)),
      run.original ? fact("Rerun of", h("a", { class: "link", href: to(["runs", run.original]) }, `…${run.original.slice(-8)}`)) : null,
    );
  }

  async function rerun() {
    const answer = await attempt(() => post(`/v2/runs/${id}/rerun`), "A new run has begun.");
    if (answer) go(to(["runs", answer.data.runId]));
  }

  function cancel() {
    confirm("Cancel this run?", "A call that is in progress ends by itself; its result is dropped, and no further step starts.", "Cancel the run", async () => {
      await attempt(() => post(`/v2/runs/${id}/cancel`), "The run is cancelled.");
      load();
    });
  }

  function sendAgain(event) {
    const { id: own, ts, ...rest } = event.body;
    sendEvent(rest, "Send its event again, as it is or changed");
  }

  function leaveStep() {
    const lane = selected && document.querySelector(`[data-span="${CSS.escape(selected)}"]`);
    go(to(["runs", id]));
    lane?.focus();
  }

  load();
  return {
    title: "Run",
    onNews(news) {
      const children = found ? childrenOf(found.trace) : [];
      if (news.runs === "any" || news.runs.includes(id) || news.runs.some((one) => children.includes(one))) load();
    },
    onPart(next) {
      selected = next;
      if (!found) return;
      show();
      if (next) side.scrollIntoView({ block: "nearest" });
    },
    onEscape() {
      if (selected) leaveStep();
      else go(listOf("runs"));
    },
    close() {
      clearInterval(timer);
      isClosed = true;
    },
  };
}

function spanOf(trace, id) {
  if (!id) return null;
  for (const child of trace.children) {
    const found = child.id === id ? child : spanOf(child, id);
    if (found) return found;
  }
  return null;
}

function childrenOf(span) {
  return [span.child, ...span.children.flatMap(childrenOf)].filter(Boolean);
}

function crumbs() {
  return h("div", { class: "crumbs" }, h("a", { href: listOf("runs") }, icon("back"), "Runs"));
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
