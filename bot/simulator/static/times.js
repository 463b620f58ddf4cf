// Times in China's zone, whatever zone the browser is in.

const EIGHT_HOURS = 8 * 3600 * 1000;
const DAY = 24 * 3600 * 1000;
const DAYS = ["日", "一", "二", "三", "四", "五", "六"];

const two = (number) => String(number).padStart(2, "0");

/** `time`: milliseconds or ISO 8601. The parts as China's clocks and calendars show them. */
export function parts(time) {
  const shifted = (typeof time === "string" ? Date.parse(time) : time) + EIGHT_HOURS;
  const date = new Date(shifted);
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
    weekday: `星期${DAYS[date.getUTCDay()]}`,
    hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(),
    number: Math.floor(shifted / DAY),
  };
}

export function hourMinute(time) {
  const { hour, minute } = parts(time);
  return `${two(hour)}:${two(minute)}`;
}

export function exactTime(time) {
  return `${hourMinute(time)}:${two(parts(time).second)}`;
}

export function day(time) {
  const { year, month, day: number } = parts(time);
  return `${year}年${month}月${number}日`;
}

/** As a chat says it: 08:00, 昨天 08:00, 星期三 08:00, 11月3日 08:00. `short` leaves out the time of other days. */
export function chatTime(time, present, short = false) {
  const then = parts(time);
  const ago = parts(present).number - then.number;
  if (ago === 0) return hourMinute(time);
  const date = ago === 1 ? "昨天" : ago > 1 && ago < 7 ? then.weekday : `${then.month}月${then.day}日`;
  return short ? date : `${date} ${hourMinute(time)}`;
}

/** 2 天 3 小时, 5 分 20 秒, 8 秒: the two largest parts of so many milliseconds. */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const units = [["天", Math.floor(seconds / 86400)], ["小时", Math.floor(seconds / 3600) % 24],
    ["分", Math.floor(seconds / 60) % 60], ["秒", seconds % 60]];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 秒";
  return units.slice(first, first + 2).filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`).join(" ");
}
