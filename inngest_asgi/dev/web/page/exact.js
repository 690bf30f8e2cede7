// Reads JSON without rounding its large whole numbers, in browsers that can keep them.

/** Like JSON.parse; a number that JavaScript would round becomes what JSON.rawJSON makes. */
export function read(text) {
  return JSON.parse(text, keep);
}

/** The digits of a number that is kept as it was written; undefined for all other values. */
export function digits(value) {
  return JSON.isRawJSON?.(value) ? value.rawJSON : undefined;
}

function keep(key, value, context) {
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}
