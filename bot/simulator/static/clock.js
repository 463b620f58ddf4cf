// 时钟: the sandbox's time, and steps to turn it forward.

import { app, now, on, post } from "./app.js";
import { button, el, svg } from "./dom.js";
import { day, exactTime, parts, span } from "./times.js";

const STEPS = [["hour", "+1 小时", "看提前一小时的提醒"], ["morning", "明早 8 点", "夜里攒下的消息这时来"],
  ["two_days", "48 小时后", "回复窗口关上"], ["month", "下月 1 日", "新的一个月"]];

export function startClock(page) {
  const hands = ["hour", "minute", "second"].map((name, index) =>
    svg("line", { x1: 60, y1: 60, x2: 60, y2: [34, 22, 17][index], class: `hand ${name}` }));
  const marks = Array.from({ length: 12 }, (_, index) =>
    svg("line", { x1: 60, y1: 9, x2: 60, y2: index % 3 ? 12 : 15, class: "mark", transform: `rotate(${index * 30} 60 60)` }));
  const face = svg("svg", { viewBox: "0 0 120 120", class: "face", "aria-hidden": "true" },
    svg("circle", { cx: 60, cy: 60, r: 56, class: "rim" }), ...marks, ...hands, svg("circle", { cx: 60, cy: 60, r: 3, class: "pin" }));
  const time = el("p", { class: "big-time", "data-testid": "clock-now" });
  const date = el("p", { class: "big-date" });
  const offset = el("p", { class: "hint offset", "data-testid": "clock-offset" });
  page.append(el("div", { class: "clock-card" }, face, time, date, offset),
    el("h3", { text: "把时间往前拨" }),
    el("div", { class: "grid-choices" }, ...STEPS.map(([step, title, text]) => button(
      { class: "choice", "data-testid": `clock-${step}`, onclick: (event) => turn(event.currentTarget, step) },
      el("strong", { text: title }), el("small", { text })))),
    el("p", { class: "hint", text: "窗口、配额、凭据都跟着走。只能往前，不能往回。" }));
  const draw = () => {
    if (!app.state) return;
    const present = now();
    const { hour, minute, second, weekday, number } = parts(present);
    const turned = number * 24 + hour; // whole hours, so that a hand never goes back at twelve
    [(turned + minute / 60) * 30, (turned * 60 + minute) * 6, ((turned * 60 + minute) * 60 + second) * 6]
      .forEach((angle, index) => { hands[index].style.transform = `rotate(${angle % 3600000}deg)`; });
    face.classList.toggle("night", hour < 6 || hour >= 19);
    time.textContent = exactTime(present);
    date.textContent = `${day(present)} ${weekday}`;
    const ahead = app.state.clock.offset;
    offset.textContent = Math.abs(ahead) < 1 ? "和真实时间一样" : `比真实时间${ahead > 0 ? "快" : "慢"} ${span(Math.abs(ahead) * 1000)}`;
  };
  on("state", draw);
  on("second", draw);
  return draw;
}

async function turn(pressed, step) {
  pressed.disabled = true;
  await post("/api/clock", { step });
  pressed.disabled = false;
  pressed.focus();
}
