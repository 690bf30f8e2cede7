// Keeps questions to the server in order: an old answer must never come after a newer one.

/**
 * Make a function that does not overlap with itself. Called while it works, it works once more when
 * it is done; what those calls were given is joined by `join(one, other)`.
 */
export function inTurn(work, join = () => undefined) {
  let isBusy = false;
  let next = null;
  const take = async (given) => {
    if (isBusy) {
      next = { given: next ? join(next.given, given) : given };
      return;
    }
    isBusy = true;
    try {
      await work(given);
    } finally {
      isBusy = false;
      const later = next;
      next = null;
      if (later) take(later.given);
    }
  };
  return take;
}
