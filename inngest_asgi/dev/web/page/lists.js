// A list that grows as one scrolls, stays true while things happen, and is walked by arrow keys.

import { fill, h, keyed } from "./dom.js";
import { inTurn } from "./turns.js";

const MOST_PAGES_AT_ONCE = 6;

/**
 * A list that is loaded page by page.
 *
 * `load(cursor)` gives `{items, cursor}`, newest first; `order(a, b)` compares as the server does;
 * `row(item)` is an element that can be focused, made anew when `version(item)` differs; `none()` is
 * what an empty list shows.
 */
export class PagedList {
  constructor({ label, columns, load, order, row, version, none, onShow = () => {} }) {
    Object.assign(this, { load, order, row, version, none, onShow });
    this.generation = 0;
    this.items = [];
    this.pages = [];
    this.cursor = null;
    this.refresh = inTurn((isStale) => this.renew(isStale), either);
    this.rows = h("ul", { class: "rows", "aria-label": label });
    this.rows.addEventListener("keydown", walk);
    this.tail = h("div", { class: "more", hidden: true }, "Loading more…");
    this.head = h("div", { class: "columns", "aria-hidden": "true" }, columns.map(([text, kind]) => h("span", { class: kind ?? "" }, text)));
    this.blank = h("div", { hidden: true });
    this.element = h("div", { class: "list" }, this.head, this.rows, this.blank, this.tail);
    const options = { rootMargin: "600px" };
    this.watcher = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && this.grow(), options);
  }

  close() {
    this.generation += 1;
    this.watcher.disconnect();
  }

  /** Start anew, such as with other filters. */
  async restart() {
    this.generation += 1;
    const generation = this.generation;
    const page = await this.load(null);
    if (generation !== this.generation) return;
    this.items = page.items;
    this.cursor = page.cursor;
    this.pages = [{ cursor: null, after: null }];
    this.show();
  }

  /** Ask again for the first page, and for those with a row of which `isStale(item)` holds. */
  async renew(isStale) {
    if (!this.pages.length) {
      await this.restart();
      return;
    }
    const generation = this.generation;
    const stale = this.pages.filter((_, at) => at === 0 || this.on(at).some(isStale));
    const asked = stale.slice(0, MOST_PAGES_AT_ONCE);
    const fresh = await Promise.all(asked.map((page) => this.load(page.cursor)));
    if (generation !== this.generation) return;
    asked.forEach((page, at) => this.merge(page.after, fresh[at]));
    this.show();
  }

  async grow() {
    if (!this.cursor || this.growing) return;
    this.growing = true;
    const { generation, cursor } = this;
    try {
      const page = await this.load(cursor);
      if (generation !== this.generation) return;
      this.pages.push({ cursor, after: this.items.at(-1) });
      this.items = [...this.items, ...page.items];
      this.cursor = page.cursor;
      this.show();
    } finally {
      this.growing = false;
    }
  }

  /** The rows that came with a page, and those that came into their place since. */
  on(at) {
    const [from, to] = [this.pages[at].after, this.pages[at + 1]?.after];
    const isHere = (item) => (!from || this.order(item, from) > 0) && (!to || this.order(item, to) <= 0);
    return this.items.filter(isHere);
  }

  /** Put a page in the place of what was known of the same stretch of the list. */
  merge(after, page) {
    const last = page.items.at(-1);
    const before = after ? this.items.filter((item) => this.order(item, after) <= 0) : [];
    const behind = page.cursor && last ? this.items.filter((item) => this.order(item, last) > 0) : [];
    this.items = [...before, ...page.items, ...behind];
    if (!page.cursor) this.cursor = null;
  }

  show() {
    keyed(this.rows, this.items, {
      key: (item) => item.id,
      version: this.version,
      make: (item) => h("li", {}, this.row(item)),
    });
    const isEmpty = this.items.length === 0;
    fill(this.blank, isEmpty ? this.none() : null);
    this.blank.hidden = !isEmpty;
    this.head.hidden = isEmpty;
    this.tail.hidden = !this.cursor;
    // Observed anew: a tail that stays in sight would not be heard of again.
    this.watcher.unobserve(this.tail);
    if (this.cursor) this.watcher.observe(this.tail);
    this.onShow(this.items.length, Boolean(this.cursor));
  }
}

function either(one, other) {
  return (item) => one(item) || other(item);
}

/** Move between the rows of a list by arrows, Home and End (j and k for those used to them). */
export function walk(event) {
  const rows = [...event.currentTarget.querySelectorAll(".row, .lane")];
  const at = rows.indexOf(document.activeElement);
  const goal = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (goal === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  rows[Math.max(0, Math.min(goal, rows.length - 1))]?.focus();
}
