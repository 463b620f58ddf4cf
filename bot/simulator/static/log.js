// The chat itself: bubbles, cards, notes and what can be tapped in them.

import { app, botName, bubblesOf, groupOf, here, inWecom, now, on, persona, post, say } from "./app.js";
import { avatar, botAvatar, button, byId, el, icon, openSheet, outLink, ownAddress, svg, toast, webAddress, words } from "./dom.js";
import { chatTime } from "./times.js";
import { parts, sender } from "./wecom.js";

const GAP = 5 * 60 * 1000;
const SHOWN = 300;
const NEAR = 80;
const FIRST_WORDS = ["帮助", "打卡", "会议"];

let shown = ""; // what the log shows, to leave it alone when nothing changed
let last = null; // the last bubble there
let speaking = null;

export function startLog() {
  on("active", draw);
  // in a group mine and theirs are others, and a card may look different
  on("speaker", () => draw());
  on("chat", (chat) => { if (chat === app.active) draw(); });
  on("bubble", (bubble) => { if (bubble.chat === app.active) add(bubble); });
  on("changed", (bubble) => { if (bubble.chat === app.active) change(bubble); });
  on("typing", (chat) => { if (chat === app.active) drawTyping(); });
  on("state", drawEmpty);
  const log = byId("log");
  log.addEventListener("scroll", () => { if (atEnd()) byId("newer").hidden = true; }, { passive: true });
  log.addEventListener("load", () => { if (byId("newer").hidden) toEnd(); }, true);
  byId("newer").onclick = toEnd;
  new ResizeObserver(() => { if (byId("newer").hidden) toEnd(); }).observe(log);
}

const atEnd = () => {
  const log = byId("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
};

function toEnd() {
  const log = byId("log");
  log.scrollTop = log.scrollHeight;
  byId("newer").hidden = true;
}

/** The whole chat; the last `unread` of the bot's rows glow as if they came now. */
function draw(unread = 0) {
  const bubbles = bubblesOf(app.active);
  const summary = app.active + app.speaker + JSON.stringify(bubbles);
  if (summary === shown) return void drawEmpty();
  shown = summary;
  last = null;
  const log = byId("log");
  // a whole chat is not news: a screen reader hears only what comes after
  log.setAttribute("aria-busy", "true");
  log.replaceChildren(...bubbles.flatMap((bubble) => rows(bubble)));
  if (unread) for (const row of [...log.querySelectorAll(".row.bot")].slice(-unread)) row.classList.add("fresh");
  drawEmpty();
  drawTyping();
  toEnd();
  log.removeAttribute("aria-busy");
}

function add(bubble) {
  const log = byId("log");
  const follow = atEnd() || bubble.side === "me";
  log.querySelector(".empty")?.remove();
  const fresh = rows(bubble);
  for (const row of fresh) row.classList.add("fresh");
  const typing = log.querySelector(".typing");
  if (typing && bubble.side === "bot") typing.remove();
  if (typing?.isConnected) typing.before(...fresh);
  else log.append(...fresh);
  while (log.children.length > SHOWN * 2) log.firstElementChild.remove();
  if (follow) toEnd();
  else byId("newer").hidden = false;
}

/** A stream that went on, or a card that was tapped, in its place. */
function change(bubble) {
  const old = byId("log").querySelector(`[data-id="${bubble.id}"]`);
  if (!old) return;
  const follow = atEnd();
  const focused = old.contains(document.activeElement);
  const row = drawRow(bubble);
  old.replaceWith(row);
  if (focused) (row.querySelector("button") || byId("log")).focus();
  if (follow) toEnd();
}

function drawEmpty() {
  const log = byId("log");
  log.querySelector(".empty")?.remove();
  if (!app.chats.has(app.active) || bubblesOf(app.active).length || !persona()) return;
  const { name, hint, following } = persona();
  const group = groupOf();
  const about = group ? "群里的人和机器人都在。@ 了机器人，它才收得到。" : hint;
  log.prepend(el("div", { class: "empty" },
    el("img", { src: "/static/icon.svg", alt: "" }),
    el("p", { class: "empty-title", text: group ? "群里还没人说过话" : `${name}还没在这里聊过` }),
    about ? el("p", { text: about }) : null,
    following || inWecom() ? el("p", { class: "first-words" }, ...FIRST_WORDS.map((word) =>
      button({ class: "pill-button", text: word, onclick: () => say(word) }))) : null));
}

function drawTyping() {
  const log = byId("log");
  log.querySelector(".typing")?.remove();
  if (!app.typing.has(app.active)) return;
  const follow = atEnd();
  log.append(el("div", { class: "row bot typing", "aria-hidden": "true" }, botAvatar(),
    el("div", { class: "bubble" }, el("i"), el("i"), el("i"))));
  if (follow) toEnd();
}

/** The elements of one bubble, a line with the time before it where some minutes have passed. */
function rows(bubble) {
  const pause = !last || Math.abs(Date.parse(bubble.at) - Date.parse(last.at)) > GAP;
  last = bubble;
  const row = drawRow(bubble);
  return pause ? [el("div", { class: "time-line", text: chatTime(bubble.at, now()) }), row] : [row];
}

function drawRow(bubble) {
  const row = bubble.side === "note" ? note(bubble) : message(bubble);
  row.dataset.id = bubble.id;
  row.dataset.testid = "bubble";
  row.dataset.side = bubble.side;
  row.dataset.kind = bubble.kind;
  row.dataset.via = bubble.via;
  return row;
}

function note({ text, problem, label = "平台不会显示这条回复：" }) {
  if (!problem) return el("div", { class: "note", text: text || "" });
  return el("div", { class: "note problem" },
    text ? el("p", { text }) : null,
    el("p", {}, el("strong", { text: label }), problem));
}

function message(bubble) {
  const person = bubble.side === "me";
  const name = bubble.who || persona()?.name || "我";
  const mine = person && (!groupOf() || name === persona()?.name);
  const pushed = bubble.via === "push" && !person;
  const inside = bubble.kind === "message" ? parts(bubble, image) : [(KINDS[bubble.kind] || text)(bubble)];
  return el("div", { class: `row ${mine ? "me" : person ? "other" : "bot"}${pushed ? " push" : ""}` },
    person ? avatar(name) : botAvatar(),
    el("div", { class: "stack" },
      groupOf() && !mine ? sender(person ? name : botName()) : null,
      el("span", { class: "unseen", text: person ? `${name}：` : `${botName()}：` }),
      ...inside,
      pushed ? el("span", { class: "push-mark", title: "主动推送，不是对消息的回复" }, icon("bell"), "推送") : null));
}

const text = (bubble) => el("div", { class: "bubble" }, ...words(bubble.text, say));

function image({ url }) {
  const address = ownAddress(url);
  const picture = el("img", { src: address, alt: "图片", loading: "lazy" });
  return button({ class: "picture", "aria-label": "看大图", onclick: () => enlarge(address) }, picture);
}

function enlarge(address) {
  const close = openSheet("图片", [el("img", { class: "large", src: address, alt: "图片" })], "viewer");
  byId("sheet").querySelector(".large").onclick = close;
}

function voice(bubble) {
  const seconds = Math.min(60, Math.max(1, Math.round([...(bubble.text || "")].length / 4)));
  const length = el("span", { text: `${seconds}″` });
  const bar = button({ class: "bubble voice", "aria-label": `语音，约 ${seconds} 秒`, onclick: () => play(bar, bubble.url) },
    icon("wave"), length);
  bar.style.width = `${5 + Math.min(seconds, 30) * 0.32}rem`;
  return el("div", { class: "voice-frame" }, bar,
    bubble.text ? el("div", { class: "recognised" }, el("small", { text: "听成文字" }), bubble.text) : null);
}

function play(bar, url) {
  const address = url ? ownAddress(url) : "";
  bar.classList.add("playing");
  const stop = () => bar.classList.remove("playing");
  speaking?.pause();
  if (!address) return void setTimeout(stop, 1500);
  speaking = new Audio(address);
  speaking.onended = stop;
  speaking.onpause = stop;
  speaking.play().catch(() => { stop(); toast("这段语音浏览器放不了。"); });
}

function video({ url, title }) {
  const address = url ? ownAddress(url) : "";
  return el("div", { class: "bubble plain" },
    address ? el("video", { src: address, controls: true, preload: "metadata" }) : null,
    el("p", { text: title || (address ? "" : "[视频]") }));
}

/** A link where the address is one, else the same box without it. */
function maybeLink(address, properties, ...children) {
  const target = webAddress(address || "");
  return target ? outLink(target, properties, ...children) : el("div", properties, ...children);
}

function cover(article) {
  const box = el("span", { class: "cover" });
  const address = article.picture ? ownAddress(article.picture) : "";
  const drawing = () => svg("svg", { viewBox: "0 0 120 60", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    svg("path", { d: "M0 60V38c20-16 36-14 56-4s40 8 64-8v34z", class: "hill far" }),
    svg("path", { d: "M0 60V50c24-12 44-8 62-2s38 6 58-4v16z", class: "hill" }),
    svg("circle", { cx: 94, cy: 15, r: 7, class: "sun" }));
  if (!address) box.append(drawing());
  else box.append(el("img", { src: address, alt: "", loading: "lazy", onerror: () => box.replaceChildren(drawing()) }));
  return box;
}

function news({ articles = [] }) {
  const [first, ...others] = articles;
  if (!first) return el("div", { class: "bubble" });
  return el("div", { class: "card news" },
    maybeLink(first.url, { class: "news-first" }, cover(first),
      el("strong", { text: first.title || "" }),
      first.description ? el("p", { text: first.description }) : null),
    ...others.map((one) => maybeLink(one.url, { class: "news-other" }, el("span", { text: one.title || "" }), cover(one))));
}

function card({ title, fields = [], link, text: remark }) {
  return el("div", { class: "card notice" },
    el("div", { class: "notice-head" }, icon("bell"), "服务通知"),
    el("strong", { text: title || "" }),
    el("dl", {}, ...fields.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })])),
    remark ? el("p", { class: "remark", text: remark }) : null,
    webAddress(link || "") ? outLink(webAddress(link), { class: "notice-foot" }, "查看详情", el("span", { text: "›" })) : null);
}

function menu({ text: head, options = [], tail }) {
  return el("div", { class: "bubble menu" },
    head ? el("p", {}, ...words(head, say)) : null,
    ...options.map((option) => button({ class: "link option", text: option.content, onclick: () => say(option.content, option.id) })),
    tail ? el("p", {}, ...words(tail, say)) : null);
}

const KINDS = { text, image, voice, video, news, card, menu };

/** Sends a picture that was chosen or pasted; in WeCom with these words. */
export function sendPicture(file, text) {
  const form = new FormData();
  const fields = inWecom() ? { ...here(), text } : { openid: app.active };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file, file.name || "picture.png");
  return post(`/api/${inWecom() ? "wecom/" : ""}picture`, form);
}
