// 报文: each push to the bot and each call of it, decrypted beside encrypted.

import { app, loadRaw, on } from "./app.js";
import { button, el, icon, toast } from "./dom.js";
import { exactTime } from "./times.js";

const DELAY = 150;
const TOKENS = /(<!\[CDATA\[[\s\S]*?\]\]>)|(<\/?[\w:-]+[^>]*>)|("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?)\b/g;

const entries = new Map(); // id -> {summary, element}
let timer = 0;
let list = null;

export function startRaw(page) {
  list = el("div", { class: "raw-list" });
  page.append(el("p", { class: "hint", text: "平台和机器人之间真正走的消息，新的在上面。点开看解密前后。" }), list);
  const load = () => { clearTimeout(timer); timer = setTimeout(fetchAll, DELAY); };
  const visible = () => !page.hidden;
  on("raw", (chat) => { if (visible() && (!chat || chat === app.active)) load(); });
  on("active", () => {
    entries.clear();
    list.replaceChildren();
    if (visible()) load();
  });
  return load;
}

async function fetchAll() {
  const chat = app.active;
  if (!chat) return;
  const answer = await loadRaw(chat).catch(() => null);
  if (!answer || chat !== app.active) return;
  const elements = answer.raw.map(entry).reverse();
  const kept = new Set(answer.raw.map((one) => one.id));
  for (const id of entries.keys()) if (!kept.has(id)) entries.delete(id);
  if (!elements.length) elements.push(el("p", { class: "hint", text: "还没有报文。发一句话试试。" }));
  list.replaceChildren(...elements);
}

function entry(raw) {
  const summary = JSON.stringify(raw);
  const known = entries.get(raw.id);
  if (known?.summary === summary) return known.element;
  const element = { push, call, frame }[raw.type](raw);
  element.open = known?.element.open || false;
  entries.set(raw.id, { summary, element });
  return element;
}

function record(kind, label, raw, side, bad, content) {
  // the long texts are made only when they are looked at
  const inside = el("div", { class: "raw-body" });
  const fill = () => { if (!inside.firstChild) inside.append(...content()); };
  return el("details", { class: `raw-record ${kind}${bad ? " bad" : ""}`, "data-testid": `raw-${raw.id}`, ontoggle: fill },
    el("summary", {}, el("span", { class: "arrow", text: label }), el("span", { class: "raw-what", text: raw.what }),
      el("span", { class: "raw-side", text: side }), el("time", { text: exactTime(raw.at) })),
    inside);
}

function push(raw) {
  const last = raw.attempts.at(-1);
  const bad = raw.attempts.some((one) => one.problem);
  const tries = raw.attempts.length > 1 ? `${raw.attempts.length} 次 · ` : "";
  const side = last ? `${tries}${last.milliseconds} ms` : "";
  return record("push", "→ 机器人", raw, side, bad, () => raw.attempts.map((one, index) => attempt(one, index, raw.attempts.length)));
}

function attempt(one, index, count) {
  return el("section", { class: "attempt" },
    el("div", { class: "attempt-head" },
      count > 1 ? el("strong", { text: `第 ${index + 1} 次` }) : null,
      el("time", { text: exactTime(one.at) }),
      el("span", { text: `${one.milliseconds} ms` }),
      el("span", { class: `status ${one.status === 200 ? "good" : "wrong"}`, text: one.status ? `HTTP ${one.status}` : "没有回答" })),
    one.problem ? el("p", { class: "problem", text: one.problem }) : null,
    code("网址里的参数", Object.entries(one.query || {}).map(([name, value]) => `${name} = ${value}`).join("\n")),
    pair("发给机器人", one.plain, one.body),
    pair("机器人的回复", one.reply_plain, one.reply_body));
}

function pair(title, plain, body) {
  if (!plain && !body) return el("p", { class: "hint", text: `${title}：空` });
  if (plain === body || !body) return code(title, plain);
  if (!plain) return code(`${title} · 原文`, body);
  return el("div", { class: "pair" }, code(`${title} · 解密后`, plain), code("加密的样子", body, "dim"));
}

function call(raw) {
  const refused = /"errcode"\s*:\s*(-?[1-9]\d*)/.exec(raw.answer || "");
  const side = raw.fault ? `故障：${raw.fault}` : refused ? `errcode ${refused[1]}` : "";
  return record("call", "← 机器人", raw, side, Boolean(raw.fault || refused), () => [
    el("div", { class: "pair" }, code("请求", raw.request), code("平台的回答", raw.answer))]);
}

/** One frame of the long connection, or one body of a callback. */
function frame(raw) {
  const side = raw.code ? `errcode ${raw.code}` : raw.milliseconds ? `${raw.milliseconds} ms` : "";
  return record(raw.to_bot ? "push" : "call", raw.to_bot ? "→ 机器人" : "← 机器人", raw, side, Boolean(raw.code || raw.problem), () => [
    raw.problem ? el("p", { class: "frame-problem", text: raw.problem }) : null,
    code("内容（密钥遮住了）", raw.text)].filter(Boolean));
}

function code(title, text, className = "") {
  if (!text) return null;
  const nice = pretty(text);
  return el("figure", { class: `code ${className}` },
    el("figcaption", {}, title, button({ class: "copy", title: "复制", "aria-label": `复制：${title}`, onclick: () => copy(nice) }, icon("copy"))),
    el("pre", { tabIndex: 0 }, ...coloured(nice)));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("复制好了。");
  } catch {
    toast("浏览器不让复制，请选中文字再复制。");
  }
}

/** XML and JSON with one thing a line; anything else as it is. */
function pretty(text) {
  const start = text.trimStart()[0];
  if (start === "{" || start === "[") {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
  if (start !== "<") return text;
  const parsed = new DOMParser().parseFromString(text, "text/xml");
  return parsed.querySelector("parsererror") ? text : indented(parsed.documentElement, "").join("\n");
}

function indented(node, space) {
  const { nodeName: name } = node;
  if (!node.children.length) {
    const words = [...node.childNodes].map((child) => new XMLSerializer().serializeToString(child)).join("");
    return [`${space}<${name}>${words.trim()}</${name}>`];
  }
  return [`${space}<${name}>`, ...[...node.children].flatMap((child) => indented(child, `${space}  `)), `${space}</${name}>`];
}

function coloured(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(TOKENS)) {
    const [whole, data, tag, string, colon] = found;
    if (found.index > at) nodes.push(text.slice(at, found.index));
    const kind = data ? "data" : tag || colon ? "name" : string ? "data" : "value";
    nodes.push(el("span", { class: `t-${kind}`, text: whole }));
    at = found.index + whole.length;
  }
  return [...nodes, text.slice(at)];
}
