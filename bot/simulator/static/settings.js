// 故障 and 账号: what may go wrong, and which kind of account is played.

import { app, on, post } from "./app.js";
import { button, el, icon } from "./dom.js";

const DELAY = 200;
const FAULTS = [
  ["机器人调用平台时", [
    ["slow", "慢", "平台过一秒多才回答。"],
    ["drop", "断线", "平台办了事，却没等回答就断开。"],
    ["http_error", "网关错误", "回一页 502，什么也没办。"],
    ["busy", "系统繁忙", "回 -1，请稍后再试。"],
    ["quota", "次数用完", "回 45009，今天不能再调。"],
    ["revoke", "凭据作废", "access_token 突然都不认了。"]]],
  ["平台把消息送给机器人时", [
    ["duplicate", "重复", "同一条消息送两遍，成员只该看到一个回答。"],
    ["reorder", "乱序", "后一条比前一条先到。"]]],
];
const LINE_FAULTS = [
  ["duplicate", "重复", "同一条消息送两遍。"],
  ["reorder", "乱序", "后一条比前一条先到。"],
  ["malformed", "乱码", "消息前面先来一段看不懂的东西。"],
  ["lost", "丢回答", "机器人答了，平台没收到，再送一遍。"],
];
const BREAKS = [["cut", "断线", "线忽然断了，机器人自己连回来"], ["refuse", "不让连", "20 秒里谁也连不上"],
  ["kick", "挤下线", "像是别的程序用了它。它不去抢，10 分钟后再试"]];
const SIGHTS = ["回复消息", "自定义菜单", "客服消息", "群发", "模板和订阅", "场景二维码"];
const PROFILES = [
  ["service", true, "服务号 · 已认证", "什么都能做，提醒按时推给成员。", [1, 1, 1, 1, 1, 1]],
  ["service", false, "服务号 · 未认证", "有菜单，但不能推送，等成员说话时一起带到。", [1, 1, 0, 0, 0, 0]],
  ["subscription", true, "订阅号 · 已认证", "成员说过话的 48 小时内能推送。", [1, 1, 1, 1, 0, 0]],
  ["subscription", false, "订阅号 · 未认证", "个人也能办。只能回复，机器人照样能用。", [1, 0, 0, 0, 0, 0]],
];
const MODES = [["safe", "安全", "只送密文，正式用它"], ["compatible", "兼容", "明文和密文一起送"], ["plain", "明文", "不加密，签名管不到正文"]];

export function startFaults(page) {
  const sliders = new Map();
  const off = button({ class: "pill-button", text: "全部关掉", "data-testid": "faults-off",
    onclick: () => {
      const none = (known) => Object.fromEntries([...known.keys()].map((name) => [name, 0]));
      post("/api/faults", none(sliders));
      if (lineSliders.size) post("/api/wecom/faults", none(lineSliders));
    } });
  page.append(el("div", { class: "page-head" }, el("p", { class: "hint", text: "每一次有多大机会出这个错。机器人应当都扛得住。" }), off));
  for (const [title, faults] of FAULTS) {
    page.append(el("h3", { text: title }), ...faults.map((fault) => slider(fault, sliders)));
  }
  const lines = el("div", { class: "line-faults", hidden: true });
  page.append(lines);
  on("state", () => {
    for (const [name, set] of sliders) set(app.state.faults[name] || 0);
    drawLine(lines);
  });
}

const lineSliders = new Map();

/** The line to the WeCom bot, where there is one. */
function drawLine(box) {
  const { wecom } = app.state;
  if (!wecom) return;
  if (box.hidden) {
    box.hidden = false;
    const known = LINE_FAULTS.filter(([name]) => name in wecom.faults);
    box.append(el("h3", { text: "企业微信和机器人之间" }),
      el("div", { class: "grid-choices", hidden: wecom.mode !== "websocket" }, ...BREAKS.map(([how, title, text]) => button(
        { class: "choice", "data-testid": `line-${how}`, onclick: () => post("/api/wecom/line", { how }) },
        el("strong", { text: title }), el("small", { text })))),
      el("p", { class: "hint line-now", "data-testid": "line-now" }),
      ...known.map((fault) => slider(fault, lineSliders, "/api/wecom/faults")));
  }
  box.querySelector(".line-now").textContent = wecom.mode !== "websocket" ? "" : wecom.refusing ? "现在：谁也连不上"
    : wecom.live ? "现在：通着" : "现在：断着";
  for (const [name, set] of lineSliders) set(wecom.faults[name] || 0);
}

function slider([name, title, text], sliders, path = "/api/faults") {
  const id = `${path === "/api/faults" ? "fault" : "line"}-${name}`;
  const share = el("output", { for: id });
  const input = el("input", { type: "range", id, min: 0, max: 100, step: 5, value: 0, "data-testid": id, "aria-describedby": `${id}-text` });
  let timer = 0;
  const show = () => {
    share.textContent = input.value === "0" ? "关" : `${input.value}%`;
    input.style.setProperty("--share", `${input.value}%`);
    box.classList.toggle("on", input.value !== "0");
  };
  const box = el("div", { class: "fault" },
    el("label", { for: id, text: title }), input, share,
    el("p", { class: "hint", id: `${id}-text`, text }));
  input.oninput = () => {
    show();
    clearTimeout(timer);
    timer = setTimeout(async () => {
      timer = 0;
      await post(path, { [name]: Number(input.value) / 100 });
    }, DELAY);
  };
  sliders.set(name, (value) => {
    if (timer) return; // being moved
    input.value = String(Math.round(value * 100));
    show();
  });
  show();
  return box;
}

export function startAccount(page) {
  const cards = PROFILES.map((profile) => profileCard(profile));
  const rows = [
    segments("mode", "加密方式", MODES, true),
    segments("format", "数据格式", [["xml", "XML", ""], ["json", "JSON", ""]]),
    segments("attempts", "5 秒没回答，一共送几次", [[1, "1", ""], [2, "2", ""], [3, "3", ""]]),
  ];
  page.append(el("h3", { text: "哪一种公众号" }), el("div", { class: "profiles" }, ...cards.map((one) => one.card)),
    el("h3", { text: "消息怎样送给机器人" }), ...rows.map((one) => one.row));
  on("state", () => {
    for (const one of [...cards, ...rows]) one.update();
  });
}

function profileCard([kind, verified, title, text, can]) {
  const card = button({ class: "profile", "data-testid": `profile-${kind}-${verified}`, onclick: () => post("/api/profile", { kind, verified }) },
    el("strong", { text: title }), el("span", { class: "profile-text", text }),
    el("span", { class: "sights" }, ...SIGHTS.map((name, index) =>
      el("span", { class: can[index] ? "can" : "cannot" }, icon(can[index] ? "check" : "close"),
        el("span", { class: "unseen", text: can[index] ? "能：" : "不能：" }), name))));
  const update = () => {
    const { account } = app.state;
    card.setAttribute("aria-pressed", String(account.kind === kind && account.verified === verified));
  };
  return { card, update };
}

function segments(name, title, choices, explained = false) {
  const hint = explained ? el("p", { class: "hint" }) : null;
  const buttons = choices.map(([value, label]) => button({
    text: label, "data-testid": `push-${name}-${value}`, onclick: () => post("/api/push", { ...app.state.push, [name]: value }),
  }));
  const row = el("div", { class: "setting" }, el("div", { class: "line" }, el("span", { text: title }),
    el("div", { class: "segments", role: "group", "aria-label": title }, ...buttons)), hint);
  const update = () => {
    choices.forEach(([value, , text], index) => {
      const chosen = app.state.push[name] === value;
      buttons[index].setAttribute("aria-pressed", String(chosen));
      if (chosen && hint) hint.textContent = text;
    });
  };
  return { row, update };
}
