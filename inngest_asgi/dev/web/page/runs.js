// The list of runs with its filters.

import { get } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { PagedList } from "./lists.js";
import { empty, snippet, status, statusWord } from "./parts.js";
import { here, note, to } from "./router.js";
import { ago, lasted, now, tellTime } from "./time.js";

const STATUSES = ["running", "queued", "completed", "failed", "cancelled"];
const TIMES = [["", "Any time"], ["300", "Last 5 minutes"], ["3600", "Last hour"], ["86400", "Last 24 hours"], ["604800", "Last 7 days"]];
const TYPING = 180;

export function open(root, { state }) {
  const filters = Object.fromEntries(here().query);
  const search = searchField("Search by run or event id, event or function name", filters.q, (text) => change({ q: text }));
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Status" });
  const functions = h("select", { "aria-label": "Function", onchange: () => change({ function: functions.value }) });
  const times = h(
    "select",
    { "aria-label": "Time", onchange: () => change({ since: times.value }) },
    TIMES.map(([value, text]) => h("option", { value, selected: value === (filters.since ?? "") }, text)),
  );
  const total = h("span", { class: "muted" });
  let counts = {};

  const list = new PagedList({
    label: "Runs",
    columns: [["Status"], ["Function"], ["Event"], ["Run"], ["Queued"], ["Duration", "right"]],
    load: async (cursor) => {
      const since = filters.since ? now() - Number(filters.since) : "";
      const query = { status: filters.status, function: filters.function, q: filters.q, since, cursor, limit: cursor ? 100 : 50 };
      const page = await get("/ui/runs", query);
      tellTime(page.now);
      counts = page.counts;
      return { items: page.runs, cursor: page.cursor };
    },
    order: (one, other) => other.queued_at - one.queued_at || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0),
    row: runRow,
    version: (run) => `${run.status} ${run.started_at} ${run.ended_at} ${run.name}`,
    none: () => nothing(filters, state),
    onShow: (shown, goesOn) => {
      showChips();
      total.textContent = goesOn ? "" : `${shown} ${shown === 1 ? "run" : "runs"}`;
    },
  });

  function change(values) {
    Object.assign(filters, values);
    note(to(["runs"], filters));
    showChips();
    list.restart();
  }

  function showChips() {
    const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
    const chip = (value, text, count) =>
      h(
        "button",
        { type: "button", class: "chip", "aria-pressed": String((filters.status ?? "") === value), dataset: { value }, onclick: () => change({ status: value }) },
        text,
        count ? h("span", { class: "tally" }, count.toLocaleString()) : null,
      );
    const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    fill(chips, chip("", "All", all), STATUSES.map((one) => chip(one, statusWord(one), counts[one])));
    if (focused !== null) chips.querySelector(`[data-value="${focused}"]`)?.focus();
  }

  function showFunctions() {
    const known = state.functions.map((one) => [one.slug, one.name]);
    if (filters.function && !known.some(([slug]) => slug === filters.function)) known.push([filters.function, filters.function]);
    const options = [["", "All functions"], ...known];
    fill(functions, options.map(([value, text]) => h("option", { value, selected: value === (filters.function ?? "") }, text)));
  }

  showChips();
  showFunctions();
  fill(
    root,
    h("div", { class: "head" }, h("h1", {}, "Runs"), total),
    h("div", { class: "tools" }, search, functions, times),
    h("div", { class: "tools" }, chips),
    h("div", { class: "runs" }, list.element),
  );
  list.restart();
  return {
    title: "Runs",
    onNews(news) {
      if (news.apps) showFunctions();
      if (news.runs === "any") list.refresh((run) => !run.ended_at);
      else if (news.runs.length) list.refresh((run) => news.runs.includes(run.id));
    },
    close: () => list.close(),
  };
}

/** A field that `/` focuses, that tells what was typed after a moment, and that Escape empties. */
export function searchField(label, value, onText) {
  let timer = 0;
  const input = h("input", {
    type: "search", class: "field", value: value ?? "", "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "false", dataset: { search: "" },
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => onText(input.value.trim()), TYPING);
    },
    onkeydown: (event) => {
      if (event.key === "Escape" && input.value) {
        event.stopPropagation();
        input.value = "";
        onText("");
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        document.querySelector(".rows .row")?.focus();
      }
    },
  });
  return h("div", { class: "search" }, icon("search"), input, h("kbd", { "aria-hidden": "true" }, "/"));
}

export function runRow(run) {
  const source = run.cron ? `cron ${run.cron}` : run.event;
  return h(
    "a",
    { class: "row", href: to(["runs", run.id]), "aria-label": `${run.name}, ${statusWord(run.status)}, ${source}` },
    status(run.status),
    h("span", { class: "function clip" }, h("span", { class: "name" }, run.name), h("span", { class: "sub clip" }, source)),
    h("span", { class: "event clip muted" }, source),
    h("code", { class: "id clip", title: run.id }, `…${run.id.slice(-8)}`),
    h("span", { class: "when muted" }, ago(run.queued_at)),
    h("span", { class: "took right" }, lasted(run.started_at, run.ended_at)),
  );
}

function nothing(filters, state) {
  if (filters.status || filters.function || filters.q || filters.since) {
    return empty("search", "No run fits these filters", "Take a filter away, or search for something else. Runs that come to fit appear here by themselves.");
  }
  if (!state.functions.length) {
    return empty(
      "apps",
      "First, an app",
      "Runs are what your functions do when events come in. Start an app in dev mode, and give its URL under Apps unless it is found by itself:",
      snippet(`INNGEST_DEV=${location.origin} uvicorn main:app --port 8000`),
    );
  }
  const first = state.functions.flatMap((one) => one.triggers).find((one) => one.event)?.event ?? "shop/order.placed";
  return empty("runs", "Nothing has run yet", "Send an event that a function listens to, and its run appears here at once:", snippet(curl(first)));
}

/** How to send an event without any SDK. */
export function curl(name) {
  const body = JSON.stringify({ name, data: { hello: "world" } });
  return `curl ${location.origin}/e/key -d '${body.replaceAll("'", "'\\''")}'`;
}
