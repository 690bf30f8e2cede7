// The parts that several views are made of: badges, copy buttons, notices, dialogs, empty states.

import { fill, h, icon } from "./dom.js";

const WORDS = {
  completed: "Completed", failed: "Failed", running: "Running", queued: "Queued",
  cancelled: "Cancelled", skipped: "Skipped", waiting: "Waiting", unknown: "Unknown",
};
const SIGNS = {
  completed: "check", failed: "cross", running: "rerun", queued: "clock",
  cancelled: "stop", skipped: "forward", waiting: "wait", unknown: "dot",
};

export function statusWord(status) {
  return WORDS[status] ?? status;
}

/** A status as sign and word; colour alone never tells it. */
export function status(name, { badge = false } = {}) {
  return h(
    "span",
    { class: badge ? "status badge" : "status", dataset: { status: name }, title: statusWord(name) },
    icon(SIGNS[name]),
    h("span", { class: "word" }, statusWord(name)),
  );
}

export function button(text, { sign, kind = "", ...attributes } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, ...attributes },
    sign ? icon(sign) : null,
    text,
  );
}

/** A button that is only a sign, with a name for those who do not see it. */
export function signButton(sign, label, { kind = "plain square", ...attributes } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, "aria-label": label, title: label, ...attributes },
    icon(sign),
  );
}

export function copyButton(text, label = "Copy", kind = "plain square") {
  const made = signButton("copy", label, {
    kind,
    onclick: async (event) => {
      event.preventDefault();
      event.stopPropagation();
      await copy(typeof text === "function" ? text() : text);
      fill(made, icon("check"));
      setTimeout(() => fill(made, icon("copy")), 1200);
    },
  });
  return made;
}

/** A text in monospace that can be copied. */
export function copyable(text, label) {
  return h("span", { class: "copyable" }, h("code", { class: "clip" }, text), copyButton(text, label));
}

export function snippet(text) {
  return h("div", { class: "code" }, h("pre", { tabindex: "0" }, text), copyButton(text, "Copy the example"));
}

export function empty(sign, title, text, ...more) {
  return h("div", { class: "empty" }, icon(sign), h("h2", {}, title), h("p", {}, text), more);
}

/** Say something for a few seconds; screen readers hear it. */
export function notify(text, { bad = false } = {}) {
  const notice = h("div", { class: bad ? "notice bad" : "notice" }, icon(bad ? "warn" : "check"), h("span", {}, text));
  document.querySelector(".notices").append(notice);
  setTimeout(() => notice.remove(), bad ? 8000 : 3500);
}

/** Open a dialog; Escape and the cross close it. `body(close)` returns what it holds. */
export function dialog(title, about, body) {
  const close = () => box.close();
  const name = "dialog-title";
  const box = h(
    "dialog",
    { "aria-labelledby": name, onclose: () => box.remove() },
    h(
      "header",
      {},
      h("div", {}, h("h2", { id: name }, title), about ? h("p", { class: "about" }, about) : null),
      signButton("cross", "Close", { onclick: close }),
    ),
    h("div", { class: "inside" }, body(close)),
  );
  document.body.append(box);
  box.showModal();
  box.querySelector("[autofocus], textarea, input")?.focus();
  return box;
}

/** Ask before something that cannot be undone. */
export function confirm(title, text, act, go) {
  dialog(title, null, (close) => [
    h("p", { class: "muted" }, text),
    h(
      "div",
      { class: "actions" },
      button("Leave it", { onclick: close }),
      button(act, {
        kind: "danger",
        autofocus: true,
        onclick: () => {
          close();
          go();
        },
      }),
    ),
  ]);
}

/** Do something on the server; failures become notices. Returns what came back, or null. */
export async function attempt(work, done) {
  try {
    const result = await work();
    if (done) notify(typeof done === "function" ? done(result) : done);
    return result ?? true;
  } catch (error) {
    notify(error.message, { bad: true });
    return null;
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { class: "sr", value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
