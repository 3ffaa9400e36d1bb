// Days and times of day, as this browser's language writes them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const timeOf = (ms: number): string => clock.format(ms);

/** A day as a separator says it. */
export function dayOf(ms: number, now = Date.now()): string {
  if (sameDay(ms, now)) return "Today";
  return sameDay(ms, now - 86_400_000) ? "Yesterday" : weekday.format(ms);
}

/** When, as a list has room for it. */
export const briefly = (ms: number, now = Date.now()): string =>
  sameDay(ms, now) ? timeOf(ms) : short.format(ms);

export const sameDay = (one: number, other: number): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString();
