// The personas on the left, and the header that says who is played.

import { app, bubblesOf, choose, now, on, persona, post } from "./app.js";
import { avatar, button, byId, el, openSheet } from "./dom.js";
import { chatTime } from "./times.js";

const KINDS = { service: "服务号", subscription: "订阅号" };
const LINES = { image: "[图片]", voice: "[语音]", video: "[视频]", news: "[图文]", card: "[服务通知]" };
const MARKS = { 成员: "member", 导师: "mentor", 组织者: "organiser", 新同学: "newcomer" };

const items = new Map(); // openid -> its parts

export function startPeople() {
  for (const topic of ["state", "active", "chat", "bubble"]) on(topic, draw);
  for (const topic of ["state", "active", "typing"]) on(topic, drawHead);
  byId("add-persona").onclick = askName;
  byId("people-list").addEventListener("keydown", move);
}

function draw() {
  if (!app.state) return;
  const openids = app.state.personas.map((one) => one.openid);
  for (const [openid, item] of items) if (!openids.includes(openid)) { item.row.remove(); items.delete(openid); }
  for (const one of app.state.personas) {
    if (!items.has(one.openid)) items.set(one.openid, create(one));
    update(one, items.get(one.openid));
  }
  const waiting = [...app.unread.values()].reduce((sum, count) => sum + count, 0);
  byId("open-people").classList.toggle("has-unread", waiting > 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${app.state.account.name} · 沙盒`;
}

function create({ openid, name, role, hint }) {
  const line = el("span", { class: "last-line" });
  const time = el("time", { class: "last-time" });
  const unread = el("span", { class: "unread", hidden: true });
  const mark = el("span", { class: `mark ${MARKS[role] || "other"}`, text: role });
  const choice = button(
    { class: "persona", "data-testid": `persona-${name}`, title: hint || name, onclick: () => choose(openid) },
    el("span", { class: "avatar-frame" }, avatar(name), unread),
    el("span", { class: "persona-words" },
      el("span", { class: "persona-top" }, el("span", { class: "persona-name", text: name }), mark, time), line));
  const row = el("li", {}, choice);
  byId("people-list").append(row);
  return { row, choice, line, time, unread };
}

function update({ openid, following, hint }, { choice, line, time, unread }) {
  const bubble = bubblesOf(openid).findLast((one) => one.side !== "note");
  line.textContent = bubble ? summary(bubble) : following ? hint || "" : "还没关注";
  time.textContent = bubble ? chatTime(bubble.at, now(), true) : "";
  const count = app.unread.get(openid) || 0;
  unread.hidden = !count;
  unread.textContent = count > 99 ? "99+" : String(count);
  unread.setAttribute("aria-label", `${count} 条没看`);
  choice.classList.toggle("away", !following);
  const active = openid === app.active;
  choice.tabIndex = active ? 0 : -1;
  if (active) choice.setAttribute("aria-current", "true");
  else choice.removeAttribute("aria-current");
}

function summary({ kind, text = "", title, articles }) {
  const plain = text.replace(/<a href="[^"]*">([\s\S]*?)<\/a>/g, "$1").replace(/\s+/g, " ");
  return `${LINES[kind] || ""}${kind === "news" ? articles?.[0]?.title || "" : title || plain}`;
}

/** Arrow keys go through the list and choose, as in the real client. */
function move(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const all = [...byId("people-list").querySelectorAll(".persona")];
  const at = all.indexOf(document.activeElement);
  let next = at + (steps[event.key] || 0);
  if (event.key === "Home") next = 0;
  if (event.key === "End") next = all.length - 1;
  if (next === at || !all[next]) return;
  event.preventDefault();
  all[next].focus();
  if (!byId("app").dataset.drawer) all[next].click();
}

function drawHead() {
  if (!app.state) return;
  const { account } = app.state;
  const name = persona()?.name || "";
  byId("account-name").textContent = account.name;
  byId("account-kind").textContent = `${KINDS[account.kind]} · ${account.verified ? "已认证" : "未认证"}`;
  const typing = app.typing.has(app.active);
  byId("playing").textContent = typing ? "对方正在输入…" : `你在扮演 ${name}`;
  byId("playing").classList.toggle("is-typing", typing);
  byId("self").replaceChildren(...(name ? [avatar(name)] : []));
}

function askName() {
  const name = el("input", { id: "persona-name", maxLength: 20, required: true, autocomplete: "off", "data-testid": "persona-name", placeholder: "比如 成员04" });
  const form = el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (name.value.trim() && await post("/api/persona", { name: name.value.trim() })) close();
    },
  },
  el("label", { for: "persona-name", text: "叫什么" }), name,
  el("p", { class: "hint", text: "这个人一开始还没有关注。点他，再点“关注”，就像新同学第一次来。" }),
  el("button", { class: "primary", text: "添上", "data-testid": "persona-save" }));
  const close = openSheet("添一个人", [form]);
}
