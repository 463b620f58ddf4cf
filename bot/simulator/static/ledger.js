// 账本: what the platform still allows for the one who is played.

import { app, groupOf, inWecom, loadPerson, now, on, persona } from "./app.js";
import { el } from "./dom.js";
import { chatTime, span } from "./times.js";

const HOUR = 3600 * 1000;
const UNITS = { 分钟: 60 * 1000, 小时: HOUR, 天: 24 * HOUR };
const MEANINGS = { "48 小时": "发消息就开", "1 分钟": "点菜单、关注、扫码就开", 付款: "付款就开" };
const PATHS = {
  "/cgi-bin/message/custom/send": "客服消息", "/cgi-bin/message/template/send": "模板消息",
  "/cgi-bin/message/subscribe/bizsend": "订阅通知", "/cgi-bin/message/mass/send": "群发",
  "/cgi-bin/message/mass/sendall": "群发给所有人", "/cgi-bin/stable_token": "取凭据", "/cgi-bin/token": "取凭据（旧）",
  "/cgi-bin/menu/create": "建菜单", "/cgi-bin/menu/get": "查菜单", "/cgi-bin/menu/delete": "删菜单",
  "/cgi-bin/media/upload": "传素材", "/cgi-bin/media/get": "取素材", "/cgi-bin/qrcode/create": "建二维码",
  "/cgi-bin/message/custom/typing": "正在输入",
};

const STATES = { websocket: ["长连接断着", "长连接通着"], callback: ["", "回调"] };
const AGAIN = 5;

let ticks = [];
let since = 0;

export function startLedger(page) {
  const draw = () => {
    if (!app.person || !persona()) return;
    ticks = [];
    page.replaceChildren(...(app.person.limits ? wecomSections(app.person.limits) : sections(app.person)));
    tick();
  };
  on("person", draw);
  on("state", () => { if (app.person?.limits) draw(); });
  on("second", () => {
    tick();
    // a minute goes by without anything that happens
    if (inWecom() && ++since % AGAIN === 0 && !page.hidden) loadPerson();
  });
  return draw;
}

function wecomSections(limits) {
  const { wecom } = app.state;
  const group = groupOf();
  return [
    el("div", { class: "who" },
      el("strong", { text: group ? group.name : persona().name }),
      el("span", { class: `state ${wecom.live ? "good" : "off"}`, "data-testid": "line-state", text: STATES[wecom.mode][Number(wecom.live)] })),
    el("h3", { text: "机器人在这里还能说几条" }),
    el("p", { class: "hint", text: "回复和主动发的一起算，每个会话各算各的。超了，平台不收。" }),
    ...limits.map(({ name, used, limit }) => quota({ path: name, used, limit })),
    ...(group ? [el("h3", { text: `群里有 ${group.members.length} 个人，还有机器人` }), el("p", { class: "hint members", text: group.members.join("、") })] : []),
    el("p", { class: "hint foot-note", text: "走过的每一帧在“报文”里，弄断这条线在“故障”里。" }),
  ];
}

const tick = () => { for (const one of ticks) one(now()); };

function sections(person) {
  return [
    el("div", { class: "who" },
      el("strong", { text: persona().name }),
      el("span", { class: `state ${person.following ? "good" : "off"}`, text: person.following ? "已关注" : "没关注" }),
      el("span", { class: "who-sent", text: `今天推送 ${person.sent_today ?? 0} 条` })),
    el("h3", { text: "回复窗口" }),
    el("p", { class: "hint", text: "窗口开着，账号才能主动给他发客服消息。" }),
    ...person.windows.map(windowCard),
    el("h3", { text: "订阅同意" }),
    ...(person.consents.length ? person.consents.map(consent)
      : [el("p", { class: "hint", text: "还没同意过订阅通知。在输入框旁的“更多”里可以同意。" })]),
    el("h3", { text: "今天的接口次数" }),
    ...(person.quotas.length ? person.quotas.map(quota) : [el("p", { class: "hint", text: "今天还没有调用。" })]),
  ];
}

function windowCard({ name, left, until }) {
  const end = until ? Date.parse(until) : 0;
  const bar = el("i");
  const words = el("span", { class: "window-until" });
  const note = el("span", { class: "hint" });
  const box = el("div", { class: "window", "data-testid": `window-${name}` },
    el("div", { class: "window-top" }, el("strong", { text: name }), note),
    el("div", { class: "meter" }, bar),
    el("div", { class: "window-foot" }, words, el("span", { class: "window-left", text: allowance(left, end) })));
  ticks.push((present) => {
    const remains = end - present;
    box.classList.toggle("closed", remains <= 0);
    bar.style.width = `${Math.max(0, Math.min(1, remains / length(name)) * 100)}%`;
    words.textContent = remains > 0 ? `还剩 ${span(remains)}` : "关着";
    note.textContent = remains > 0 ? `到 ${chatTime(end, present)}` : MEANINGS[name] || "";
  });
  return box;
}

function length(name) {
  const found = /(\d+)\s*(分钟|小时|天)/.exec(name);
  return found ? Number(found[1]) * UNITS[found[2]] : 48 * HOUR;
}

function allowance(left, end) {
  if (left === null) return "不限条数";
  return end ? `还能发 ${left} 条` : "";
}

const consent = ({ template, count }) => el("div", { class: "line" }, el("code", { text: template }),
  el("strong", { text: count === null ? "长期" : `还能发 ${count} 次` }));

function quota({ path, used, limit }) {
  const bar = el("i");
  const share = limit ? used / limit : 0;
  bar.style.width = `${used ? Math.max(1.5, Math.min(100, share * 100)) : 0}%`;
  return el("div", { class: `quota${share > 0.8 ? " high" : ""}` },
    el("div", { class: "line" }, el("span", { text: PATHS[path] || path, title: path }),
      el("span", { class: "numbers", text: `${used} / ${limit ? limit.toLocaleString("zh-CN") : "不限"}` })),
    el("div", { class: "meter thin" }, bar));
}
