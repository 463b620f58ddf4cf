// The personas on the left, and the header that says who is played.

import { app, botName, bubblesOf, choose, groupOf, groups, inWecom, now, on, persona, post, userid } from "./app.js";
import { avatar, button, byId, el, icon, openSheet } from "./dom.js";
import { chatTime } from "./times.js";

const KINDS = { service: "服务号", subscription: "订阅号" };
const LINES = { image: "[图片]", voice: "[语音]", video: "[视频]", news: "[图文]", card: "[服务通知]" };
const MARKS = { 成员: "member", 导师: "mentor", 组织者: "organiser", 新同学: "newcomer" };

const SIDES = [["account", "公众号"], ["wecom", "企业微信"]];

const items = new Map(); // openid or chatid -> its parts
const sides = new Map(); // openid -> the chat of theirs that was open last

export function startPeople() {
  for (const topic of ["state", "active", "chat", "bubble", "changed", "speaker"]) on(topic, draw);
  for (const topic of ["state", "active", "bubble", "typing", "speaker"]) on(topic, drawHead);
  on("active", () => { if (!groupOf()) sides.set(app.speaker, app.active); });
  byId("add-persona").onclick = askName;
  byId("people-list").addEventListener("keydown", move);
}

function draw() {
  if (!app.state) return;
  const known = new Set([...app.state.personas.map((one) => one.openid), ...groups().map((one) => one.chat)]);
  for (const [key, item] of items) if (!known.has(key)) { item.row.remove(); items.delete(key); }
  for (const one of app.state.personas) {
    if (!items.has(one.openid)) items.set(one.openid, create(one));
    const chats = [one.openid, userid(one.name)];
    update(items.get(one.openid), chats, one.following ? one.hint || "" : "还没关注");
    items.get(one.openid).choice.classList.toggle("away", !one.following && !inWecom(sides.get(one.openid)));
  }
  byId("groups-title").hidden = !groups().length;
  for (const one of groups()) {
    if (!items.has(one.chat)) items.set(one.chat, createGroup(one));
    update(items.get(one.chat), [one.chat], `${one.members.length} 人`);
  }
  const waiting = [...app.unread.values()].reduce((sum, count) => sum + count, 0);
  byId("open-people").classList.toggle("has-unread", waiting > 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${app.state.account.name} · 沙盒`;
}

function create({ openid, name, role, hint }) {
  const mark = el("span", { class: `mark ${MARKS[role] || "other"}`, text: role });
  return createItem("personas", avatar(name), name, mark, {
    "data-testid": `persona-${name}`, title: hint || name, onclick: () => choose(sides.get(openid) || openid),
  });
}

function createGroup({ chat, name }) {
  const picture = el("span", { class: "avatar group-avatar", "aria-hidden": "true" }, icon("people"));
  return createItem("groups", picture, name, null, { "data-testid": `group-${name}`, title: name, onclick: () => choose(chat) });
}

function createItem(list, picture, name, mark, properties) {
  const line = el("span", { class: "last-line" });
  const time = el("time", { class: "last-time" });
  const unread = el("span", { class: "unread", hidden: true });
  const choice = button({ class: "persona", ...properties },
    el("span", { class: "avatar-frame" }, picture, unread),
    el("span", { class: "persona-words" },
      el("span", { class: "persona-top" }, el("span", { class: "persona-name", text: name }), mark, time), line));
  const row = el("li", {}, choice);
  byId(list).append(row);
  return { row, choice, line, time, unread };
}

/** What is shown of one or two chats: the newest line, and how many were not looked at. */
function update({ choice, line, time, unread }, chats, otherwise) {
  const last = chats.map((chat) => bubblesOf(chat).findLast((one) => one.side !== "note")).filter(Boolean);
  const bubble = last.sort((one, other) => Date.parse(other.at) - Date.parse(one.at))[0];
  line.textContent = bubble ? summary(bubble) : otherwise;
  time.textContent = bubble ? chatTime(bubble.at, now(), true) : "";
  const count = chats.reduce((sum, chat) => sum + (app.unread.get(chat) || 0), 0);
  unread.hidden = !count;
  unread.textContent = count > 99 ? "99+" : String(count);
  unread.setAttribute("aria-label", `${count} 条没看`);
  const active = chats.includes(app.active);
  choice.tabIndex = active ? 0 : -1;
  if (active) choice.setAttribute("aria-current", "true");
  else choice.removeAttribute("aria-current");
}

function summary({ kind, text = "", title, articles, card, pictures, chat, who }) {
  if (kind === "message") {
    const words = text || (card ? "[卡片]" : pictures.length ? "[图片]" : "");
    return `${groupOf(chat) && who ? `${who}：` : ""}${words.replace(/\s+/g, " ")}`;
  }
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
  const name = persona()?.name || "";
  const group = groupOf();
  byId("account-name").textContent = group ? `${group.name}（${group.members.length}）` : botName();
  byId("account-kind").textContent = about();
  byId("account-kind").classList.toggle("off", inWecom() && !app.state.wecom?.live);
  const typing = app.typing.has(app.active);
  byId("playing").textContent = typing ? `${group ? botName() : "对方"}正在输入…` : `你在扮演 ${name}`;
  byId("playing").classList.toggle("is-typing", typing);
  byId("self").replaceChildren(...(name ? [avatar(name)] : []));
  drawSides(group);
}

function about() {
  const { account, wecom } = app.state;
  if (!inWecom()) return `${KINDS[account.kind]} · ${account.verified ? "已认证" : "未认证"}`;
  return wecom?.live ? "企业微信" : "企业微信 · 机器人没连上";
}

/** The switch between somebody's two chats. */
function drawSides(group) {
  const chats = [app.speaker, userid(persona()?.name)];
  byId("sides").hidden = Boolean(group) || !chats[1];
  const buttons = SIDES.map(([side, label], index) => {
    const count = app.unread.get(chats[index]) || 0;
    return button({
      text: label, class: count ? "has-unread" : "", "aria-pressed": String(app.active === chats[index]), "data-testid": `side-${side}`,
      "aria-label": count ? `${label}，${count} 条没看` : undefined, onclick: () => { choose(chats[index]); byId("sides").children[index].focus(); },
    });
  });
  byId("sides").replaceChildren(...buttons);
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
