// What happened to a run, one line each, in words.

import { h, icon } from "./dom.js";
import { title } from "./failure.js";
import { clock, exact, length } from "./time.js";

const SAYINGS = {
  run_queued: (about) => ["clock", "queued", `Queued for ${about.function} by ${about.event}`],
  run_started: () => ["play", "running", "Started"],
  call_started: (about) => ["forward", "queued", `Asks the app${of(about)}, attempt ${attempt(about)}`],
  call_ended: (about) => ["back", "queued", `${about.status ? `The app answered ${about.status}` : "No answer from the app"} after ${length(about.duration)}`],
  step_planned: (about) => ["clock", "queued", `Found step ${quoted(about)}`],
  step_recorded: (about) => ["check", "completed", `Step ${quoted(about)} is done${took(about)}`],
  step_failed: (about) => ["cross", "failed", `Step ${quoted(about)} failed, attempt ${attempt(about)}${again(about)}`],
  step_sleeping: (about) => ["sleep", "waiting", `Step ${quoted(about)} sleeps until ${clock(about.until)}`],
  attempt_failed: (about) => ["cross", "failed", `Attempt ${attempt(about)} failed${again(about)}`],
  run_ended: (about) => [ending(about.status), about.status.toLowerCase(), about.status],
};

/** The log of a run; times count from its beginning. */
export function log(records) {
  return h(
    "ol",
    { class: "log", tabindex: "0", "aria-label": "Log" },
    records.map((record) => line(record, records[0])),
  );
}

function line(record, earliest) {
  const about = record.details;
  const [sign, status, text] = SAYINGS[record.kind]?.(about) ?? other(record.kind, about);
  const error = about.error;
  return h(
    "li",
    {},
    h("time", { title: exact(record.at) }, record === earliest ? "0" : `+${length(record.at - earliest.at)}`),
    h("span", { dataset: { status } }, icon(sign)),
    h("div", {}, h("span", {}, text), error ? h("details", {}, h("summary", {}, title(error)), error.stack ? h("pre", {}, error.stack) : null) : null),
  );
}

function other(kind, about) {
  const words = kind.replaceAll("_", " ");
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const until = about.until ? `, until ${clock(about.until)} at the latest` : "";
  return [kind.startsWith("step") ? "wait" : "dot", "waiting", `${sentence}${about.name ? `: ${quoted(about)}` : ""}${until}`];
}

function of(about) {
  return about.name ? ` for step ${quoted(about)}` : "";
}

function quoted(about) {
  return `“${about.name || about.id}”`;
}

function attempt(about) {
  return (about.attempt ?? 0) + 1;
}

function took(about) {
  return about.duration === undefined ? "" : ` in ${length(about.duration)}`;
}

function again(about) {
  return about.retry_at ? `, the next one comes at ${clock(about.retry_at)}` : ", and was the last";
}

function ending(status) {
  return { Completed: "check", Failed: "cross", Cancelled: "stop" }[status] ?? "dot";
}
