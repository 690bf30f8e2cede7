// Errors, with their traceback and what caused them.

import { h, icon } from "./dom.js";
import { copyButton } from "./parts.js";

const DEEPEST_CAUSE = 5;

/** An error as the API gives it: name, message, stack, cause. */
export function failure(error, depth = 0) {
  const text = title(error);
  const stack = typeof error.stack === "string" ? error.stack.trim() : "";
  const cause = error.cause && typeof error.cause === "object" && depth < DEEPEST_CAUSE ? error.cause : null;
  return h(
    "section",
    { class: "failure", "aria-label": "Error" },
    h("header", {}, icon("warn"), h("span", { class: "grow" }, text), copyButton(() => [text, stack].filter(Boolean).join("\n"), "Copy the error")),
    stack ? h("pre", { tabindex: "0" }, stack) : null,
    cause ? h("div", { class: "cause" }, h("h3", {}, "Caused by"), failure(cause, depth + 1)) : null,
  );
}

/** An error in one line. */
export function title(error) {
  const { name, message } = error ?? {};
  if (name && message) return `${name}: ${message}`;
  return message || name || error?.error || "It failed without a word.";
}
