// A run's spans as lanes of bars. What a bar means is told by its shape and its words, not only colour.

import { fill, h, icon, keyed } from "./dom.js";
import { walk } from "./lists.js";
import { hasLongGaps, makeScale } from "./scale.js";
import { to } from "./router.js";
import { clock, length, now, short } from "./time.js";

const SIGNS = {
  sleep: "sleep", waitforevent: "wait", waitforsignal: "signal", invokefunction: "invoke",
  aigateway: "ai", gateway: "link", step: "step",
};
const KINDS = {
  sleep: "Sleep", waitforevent: "Wait for event", waitforsignal: "Wait for signal",
  invokefunction: "Invoke", aigateway: "AI call", gateway: "Request", step: "Step",
};
const TICK_WIDTH = 84;
const SHORT_WORDS = 10;
const PAUSES = new Set(["sleep", "waitforevent", "waitforsignal"]);

/** Which kind of step an op is: one of the keys of the tables above. */
export function kindOf(span) {
  const op = (span.op || "").toLowerCase();
  return SIGNS[op] ? op : "step";
}

export function kindWord(span) {
  return span.kind === "run" ? "Function" : span.kind === "userland" ? "Span" : KINDS[kindOf(span)];
}

/**
 * The timeline of a run: `element`, `show(trace, selected)` and `tick()` for what goes on.
 *
 * `onSelect(span)` is called when a lane is chosen.
 */
export function timeline({ onSelect }) {
  const scale = h("div", { class: "scale", "aria-hidden": "true" });
  const lines = h("div", { class: "field-lines", "aria-hidden": "true" });
  const lanes = h("div", { role: "group", "aria-label": "Timeline" });
  const legend = h("div", { class: "legend", "aria-hidden": "true" });
  const shorten = h("button", { type: "button", class: "button small", hidden: true, onclick: () => {
    isShort = !isShort;
    move();
  } }, "Shorten waits");
  const element = h(
    "section",
    { class: "panel", "aria-label": "Timeline" },
    h("header", {}, h("h2", {}, "Timeline"), shorten),
    h("div", { class: "timeline" }, scale, lines, lanes),
    legend,
  );
  lanes.addEventListener("keydown", walk);
  // How many ticks there is room for changes with the window, and with the panel beside it.
  new ResizeObserver(() => root && move()).observe(scale);
  let root = null;
  let selected = null;
  let isShort = null;
  let spans = [];
  const movers = new Map();

  function show(trace, chosen) {
    root = trace;
    selected = chosen;
    draw();
  }

  /** Draw anew; lanes that show the same as before stay what they are, so that clicks hit them. */
  function draw() {
    spans = [root, ...root.children.filter(isLane).flatMap((span) => [span, ...span.children.filter(isLane)])];
    keyed(lanes, spans, { key: (span) => span.id, version: (span) => look(span), make: (span) => lane(span) });
    fill(legend, kindsIn(root).map(([kind, status, text]) => h("span", {}, h("i", { class: `bar ${kind}`, dataset: { status } }), text)));
    move();
  }

  /** Put everything where it stands at this moment. */
  function move() {
    const end = root.end ?? now();
    const busy = stretches(root, end);
    const worthIt = hasLongGaps(root.start, end, busy);
    if (isShort === null && worthIt) isShort = sum(busy) < (end - root.start) * 0.1 && root.end !== null;
    shorten.hidden = !worthIt;
    shorten.setAttribute("aria-pressed", String(Boolean(isShort)));
    shorten.classList.toggle("primary", Boolean(isShort));
    const most = Math.max(2, Math.floor((scale.clientWidth || 700) / TICK_WIDTH));
    const made = makeScale(root.start, end, busy, { shorten: worthIt && isShort, most });
    fill(scale, made.ticks.map((tick) => placed(h("span", { class: tick.place > 0.96 ? "last" : "" }, short(tick.seconds)), tick.place)));
    fill(
      lines,
      made.ticks.map((tick) => placed(h("i", {}), tick.place)),
      made.gaps.map((gap) => placed(h("b", { class: "gap" }), gap.from, gap.to)),
    );
    for (const span of spans) movers.get(span.id)(made.place, end);
  }

  /** All that a lane shows apart from places, as a text to compare. */
  function look(span) {
    const parts = span.children.map((child) => [child.kind, child.status, child.start, child.end, child.until]);
    return JSON.stringify([span.name, span.op, span.status, span.end, span.until, span.child, selected === span.id, parts]);
  }

  function lane(span) {
    const isRun = span === root;
    const tries = span.children.filter((child) => child.kind === "attempt").length;
    const bars = barsOf(span, isRun).map((bar) => [bar, barElement(bar)]);
    const tip = h("span", { class: "tip" });
    const button = h(
      "button",
      {
        type: "button",
        class: `lane ${isRun ? "run" : span.kind}`,
        "aria-pressed": isRun ? null : String(selected === span.id),
        dataset: { status: span.status, span: span.id },
        onclick: () => onSelect(isRun ? null : span),
      },
      h(
        "span",
        { class: "label" },
        icon(isRun ? "functions" : span.kind === "userland" ? "dot" : SIGNS[kindOf(span)]),
        h("span", { class: "clip", title: span.name }, span.name),
        !isRun && tries > 1 ? h("span", { class: "tries" }, `×${tries}`) : null,
      ),
      h("span", { class: "bars" }, bars.map(([, element]) => element), tip),
    );
    movers.set(span.id, (place, end) => {
      const words = summary(span);
      button.setAttribute("aria-label", `${kindWord(span)} ${span.name}: ${span.status}, ${words}`);
      for (const [bar, element] of bars) placed(element, place(bar.start), place(bar.end ?? end));
      placeTip(tip, words, place(span.start), place(span.end ?? end));
    });
    return h("div", { class: "lane-row" }, button, span.child ? jump(span) : null);
  }

  return {
    element,
    show,
    tick: () => root && root.end === null && move(),
  };
}

/** What a lane says beside its bars. */
export function summary(span) {
  const queue = span.kind === "run" ? span.children.find((child) => child.kind === "queue" && child.end !== null) : null;
  const took = length((span.end ?? now()) - (queue?.end ?? span.start));
  if (span.end !== null) return took;
  const kind = kindOf(span);
  const delay = span.children.find((child) => child.kind === "delay" && child.end === null);
  if (delay?.until) return `next attempt at ${clock(delay.until)}`;
  if (kind === "sleep" && span.until) return `sleeps until ${clock(span.until)}`;
  if (PAUSES.has(kind) && span.until) return `waits until ${clock(span.until)} at the latest`;
  return took;
}

/** A link to the run that a step invoked. */
function jump(span) {
  return h("a", { class: "jump", href: to(["runs", span.child]), "aria-label": `Run that ${span.name} invoked`, title: "Open the invoked run" }, icon("link"));
}

function barsOf(span, isRun) {
  const kind = kindOf(span);
  if (isRun) {
    const queue = span.children.find((child) => child.kind === "queue");
    const from = queue && queue.end !== null ? queue.end : queue ? null : span.start;
    const whole = from === null ? [] : [{ kind: "whole", status: span.status, start: from, end: span.end }];
    return [...whole, ...parts(span).filter((part) => part.status !== "completed" || part.kind !== "attempt")];
  }
  if (span.kind === "userland") return [{ ...span, kind: "userland" }];
  if (PAUSES.has(kind)) return [{ ...span, kind: "pause" }];
  if (kind === "invokefunction") return [{ ...span, kind: "child" }];
  const own = parts(span);
  return own.length ? own : [{ ...span, kind: "attempt" }];
}

function parts(span) {
  return span.children.filter((child) => ["queue", "attempt", "delay"].includes(child.kind));
}

function barElement(bar) {
  const words = { queue: "In the queue", delay: "Waits for the next attempt", attempt: `Attempt ${(bar.attempt ?? 0) + 1}`, pause: "Waits", child: "Invoked run", whole: "Run", userland: bar.name };
  const took = bar.end ? `${length(bar.end - bar.start)}, ` : "";
  return h("i", { class: `bar ${bar.kind}`, title: `${words[bar.kind]}: ${took}${bar.status}`, dataset: { status: bar.status } });
}

/** Put the words of a lane behind its last bar, or where there is room if they are long. */
function placeTip(tip, words, from, to) {
  const isBehind = words.length <= SHORT_WORDS || to < 0.72;
  const isBefore = !isBehind && from > 0.3;
  if (tip.textContent !== words) tip.textContent = words;
  tip.classList.toggle("before", isBefore);
  tip.classList.toggle("inside", !isBehind && !isBefore);
  placed(tip, isBefore ? from : to);
}

function placed(element, from, to) {
  element.style.left = `${from * 100}%`;
  if (to !== undefined) element.style.width = `${Math.max(to - from, 0) * 100}%`;
  return element;
}

function isLane(span) {
  return span.kind === "step" || span.kind === "userland";
}

/** When anything ran: attempts, invoked runs, and what user code told of. */
function stretches(root, end) {
  const found = [];
  const visit = (span) => {
    const isWork = span.kind === "attempt" || span.kind === "userland" || (span.kind === "step" && kindOf(span) === "invokefunction");
    if (isWork) found.push([span.start, span.end ?? end]);
    span.children.forEach(visit);
  };
  visit(root);
  return found;
}

function sum(found) {
  return found.reduce((total, [from, to]) => total + to - from, 0);
}

function kindsIn(root) {
  const seen = new Map();
  const note = (kind, status, text) => seen.set(`${kind} ${text}`, [kind, status, text]);
  const visit = (span) => {
    const kind = kindOf(span);
    if (span.kind === "queue") note("queue", "queued", "In the queue");
    if (span.kind === "delay") note("delay", "waiting", "Before the next attempt");
    if (span.kind === "attempt" && span.status === "failed") note("attempt", "failed", "Failed attempt");
    if (span.kind === "attempt" && span.status === "completed") note("attempt", "completed", "Attempt");
    if (span.kind === "step" && PAUSES.has(kind)) note("pause", "waiting", kind === "sleep" ? "Sleep" : "Wait");
    if (span.kind === "step" && kind === "invokefunction") note("child", "running", "Invoked run");
    span.children.forEach(visit);
  };
  visit(root);
  return [...seen.values()];
}
