// What is known of one step of a run: times, attempts, input, output, errors; rerunning from it.

import { get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { failure, title } from "./failure.js";
import { editor, pretty, tree } from "./json.js";
import { attempt, button, copyButton, dialog, signButton, status } from "./parts.js";
import { go, to } from "./router.js";
import { exact, lasted, length } from "./time.js";
import { kindOf, kindWord, summary } from "./timeline.js";

export function stepPanel(found, span, { close }) {
  const payload = h("div", { class: "stack" }, h("p", { class: "muted" }, "Loading…"));
  const attempts = span.children.filter((child) => child.kind === "attempt");
  const isRerunnable = span.kind === "step" && Boolean(found.run.ended_at);
  let input = null;
  if (span.kind === "step") {
    loadPayload(found.run.id, span).then((step) => {
      input = step?.input ?? null;
      fill(payload, payloadParts(step, span));
    });
  } else {
    fill(payload);
  }
  return h(
    "section",
    { class: "panel" },
    h(
      "header",
      {},
      h("h2", { class: "clip", title: span.name }, span.name),
      status(span.status, { badge: true }),
      signButton("cross", "Close the step", { onclick: close }),
    ),
    h(
      "div",
      { class: "sections" },
      h(
        "dl",
        { class: "pairs" },
        pair("Kind", kindWord(span)),
        pair("Began", exact(span.start)),
        pair("Took", span.end ? lasted(span.start, span.end) : summary(span)),
        span.child ? pair("Run", h("a", { class: "link", href: to(["runs", span.child]) }, `…${span.child.slice(-8)} →`)) : null,
      ),
      attempts.length > 1 || attempts.some((one) => one.error) ? h("div", {}, h("h3", {}, "Attempts"), h("ol", { class: "inset log" }, attempts.map(attemptLine))) : null,
      span.error ? failure(span.error) : null,
      payload,
      Object.keys(span.metadata).length ? part("Metadata", span.metadata) : null,
      Object.keys(span.attributes).length ? part("Attributes", span.attributes) : null,
      isRerunnable ? h("div", { class: "actions" }, button("Rerun from here…", { sign: "rerun", onclick: () => rerunFrom(found.run, span, input) })) : null,
    ),
  );
}

async function loadPayload(run, span) {
  try {
    return await get(`/ui/runs/${run}/steps/${encodeURIComponent(span.step_id)}`);
  } catch {
    return null;
  }
}

function payloadParts(step, span) {
  if (!step) return h("p", { class: "muted" }, "Its input and output cannot be loaded.");
  const isDone = span.status === "completed";
  return [
    step.input === null ? null : part("Input", step.input),
    isDone ? part("Output", step.output) : null,
  ];
}

function part(name, value) {
  return h(
    "div",
    {},
    h("div", { class: "part-title" }, h("h3", {}, name), copyButton(() => pretty(value), `Copy the step's ${name.toLowerCase()}`)),
    h("div", { class: "inset" }, tree(value)),
  );
}

function attemptLine(one) {
  return h(
    "li",
    {},
    h("time", { title: exact(one.start) }, one.end ? length(one.end - one.start) : "…"),
    h("span", { dataset: { status: one.status } }, status(one.status).firstElementChild, h("span", { class: "sr" }, one.status)),
    h(
      "div",
      {},
      `Attempt ${(one.attempt ?? 0) + 1}`,
      one.error ? h("details", {}, h("summary", {}, title(one.error)), one.error.stack ? h("pre", { tabindex: "0" }, one.error.stack) : null) : null,
    ),
  );
}

function rerunFrom(run, span, input) {
  const takesInput = kindOf(span) === "step" || kindOf(span) === "aigateway";
  const known = Array.isArray(input) ? input : [];
  const field = takesInput ? editor("Arguments of the step, as a list", pretty(known), (value) => (Array.isArray(value) ? null : "Arguments are a list: [first, second].")) : null;
  const before = field?.area.value;
  dialog(`Rerun from “${span.name}”`, takesInput ? "A new run takes over what came before. Arguments that you leave alone stay as they were." : "A new run takes over what came before.", (close) =>
    h(
      "form",
      {
        class: "form",
        onsubmit: async (event) => {
          event.preventDefault();
          const from = { step_id: span.step_id };
          if (field) {
            const { ok, value } = field.read();
            if (!ok) {
              field.area.focus();
              return;
            }
            // Left as it was, the step gets what it got before.
            if (field.area.value !== before) from.input = value;
          }
          const answer = await attempt(() => post(`/v2/runs/${run.id}/rerun`, { from_step: from }), "A new run has begun.");
          if (!answer) return;
          close();
          go(to(["runs", answer.data.runId]));
        },
      },
      field?.parts,
      h("div", { class: "actions" }, button("Cancel", { onclick: close }), button("Rerun from here", { kind: "primary", sign: "rerun", type: "submit" })),
    ),
  );
}

function pair(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}
