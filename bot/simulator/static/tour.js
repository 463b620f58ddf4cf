// 导览: a card that leads through the product, step by step.

import { app, on, post } from "./app.js";
import { button, byId, el, icon } from "./dom.js";

const SEEN = "xueban.tour.closed";
const PLACE = "xueban.tour.place";
const PATIENCE = 60 * 1000;

let step = 1; // the one that the card shows
let done = []; // what each finished step said
let running = false;
let failed = "";
let timer = 0;

const steps = () => app.state?.tour || [];

export function startTour() {
  ({ step, done } = JSON.parse(sessionStorage.getItem(PLACE) || '{"step":1,"done":[]}'));
  on("state", () => { byId("open-tour").hidden = !steps().length; draw(); });
  on("tour", heard);
  byId("open-tour").onclick = () => (byId("tour").hidden ? open() : close());
}

function open() {
  localStorage.removeItem(SEEN);
  draw();
  byId("tour").querySelector(".primary")?.focus();
}

function close() {
  localStorage.setItem(SEEN, "1");
  draw();
  byId("open-tour").focus();
}

async function next() {
  running = true;
  failed = "";
  wait();
  draw();
  if (!await post("/api/tour", { step })) stop("这一步没开始。");
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(() => stop("等了一分钟还没有结果。"), PATIENCE);
}

function stop(problem) {
  clearTimeout(timer);
  running = false;
  failed = problem;
  draw();
}

function heard({ step: which, status, text }) {
  if (status === "running") {
    step = which;
    running = true;
    failed = "";
    wait();
    draw();
  } else if (status === "failed") {
    step = which;
    stop(text || "这一步没成。");
  } else {
    done[which - 1] = text || "";
    step = which + 1;
    stop("");
  }
}

function restart() {
  step = 1;
  done = [];
  draw();
}

function draw() {
  const card = byId("tour");
  card.hidden = !steps().length || localStorage.getItem(SEEN) !== null;
  byId("open-tour").setAttribute("aria-expanded", String(!card.hidden));
  sessionStorage.setItem(PLACE, JSON.stringify({ step, done }));
  if (card.hidden) return;
  const focused = card.contains(document.activeElement);
  card.replaceChildren(head(), ...(step > steps().length ? ending() : body()));
  if (focused) card.querySelector(".primary")?.focus();
}

const isDone = (number) => typeof done[number - 1] === "string";

function head() {
  const count = steps().length;
  const dots = steps().map(({ title }, index) => {
    const number = index + 1;
    const finished = isDone(number);
    return button({
      class: `dot${finished ? " done" : ""}`, title: `${number}. ${title}`, disabled: running || (!finished && number !== step && !isDone(number - 1)),
      "aria-label": `第 ${number} 步：${title}${finished ? "，做过了" : ""}`, "aria-current": number === step ? "step" : undefined,
      "data-testid": `tour-step-${number}`, onclick: () => { step = number; failed = ""; draw(); },
    }, ...(finished ? [icon("check")] : [String(number)]));
  });
  return el("div", { class: "tour-head" },
    el("span", { class: "tour-count", text: step > count ? "导览走完了" : `导览 · 第 ${step} 步，共 ${count} 步` }),
    el("div", { class: "dots" }, ...dots),
    button({ class: "icon-button", title: "关上导览", "aria-label": "关上导览", "data-testid": "tour-close", onclick: close }, icon("close")));
}

function body() {
  const { title, text } = steps()[step - 1];
  const before = done[step - 2] ? `✓ ${done[step - 2]}` : "";
  return [
    // what just happened stands before what comes next, what went wrong after its own step
    failed ? "" : said(before),
    el("div", { class: "tour-body" },
      el("div", { class: "tour-words" },
        el("h2", { text: title }), el("p", { text })),
      button({ class: `primary big${running ? " running" : ""}`, "data-testid": "tour-next", disabled: running, onclick: next },
        running ? "正在演…" : failed ? "再试一次" : isDone(step) ? "再演一次" : "下一步")),
    failed ? said(failed) : "",
  ];
}

const said = (text) => el("p", {
  class: `tour-said${failed ? " problem" : ""}`, text, "aria-live": "polite", "data-testid": "tour-said", hidden: !text,
});

function ending() {
  const last = done[steps().length - 1];
  return [said(last ? `✓ ${last}` : ""), el("div", { class: "tour-body" },
    el("div", { class: "tour-words" }, el("h2", { text: "都看过了" }),
      el("p", { text: "现在你来：换个人、说句话、拨一拨时钟，或者弄点故障看看。" })),
    button({ class: "pill-button", text: "从头再来", "data-testid": "tour-restart", onclick: restart }),
    button({ class: "primary big", text: "自己玩", "data-testid": "tour-next", onclick: close }))];
}
