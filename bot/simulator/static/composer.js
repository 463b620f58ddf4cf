// The foot of the chat: the line to write in, the account's menu, voice, pictures and what "+" holds.

import { app, groupOf, here, inWecom, on, persona, post, say } from "./app.js";
import { button, byId, el, icon, openSheet, outLink, webAddress } from "./dom.js";
import { sendPicture } from "./log.js";
import { speakers } from "./wecom.js";

const TEXT_LIMIT = 2000;

let menuMode = false;
let shown = "";
let parts = null;
const drafts = new Map(); // chat -> what was written and not sent
let writer = "";

export function startComposer() {
  on("state", draw);
  on("active", () => {
    if (parts) {
      drafts.set(writer, parts.input.value);
      writer = app.active;
      parts.input.value = drafts.get(writer) || "";
      fit();
    }
    draw();
  });
  document.addEventListener("click", (event) => { if (!event.target.closest(".menu-item")) closeMenus(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(); });
}

function draw() {
  if (!app.state || !persona()) return;
  const { following } = persona();
  const wecom = inWecom();
  if (!app.state.menu || wecom) menuMode = false;
  const summary = JSON.stringify([app.active, following, app.state.menu, menuMode, app.state.scenes.length]);
  if (summary === shown) return;
  shown = summary;
  parts ||= create();
  writer ||= app.active;
  parts.toggle.hidden = !app.state.menu || wecom;
  parts.more.hidden = wecom;
  parts.voice.hidden = Boolean(groupOf());
  parts.drawSpeakers();
  byId("foot").replaceChildren(!following && !wecom ? invitation() : menuMode ? menuBar() : parts.form);
}

function create() {
  const input = el("textarea", {
    class: "input", rows: 1, maxLength: TEXT_LIMIT, placeholder: "说点什么，回车发送", enterKeyHint: "send",
    "aria-label": "消息", "data-testid": "input", oninput: fit, onkeydown: enter, onpaste: paste,
  });
  const file = el("input", { type: "file", accept: "image/*", hidden: true, "data-testid": "file", onchange: () => {
    if (file.files[0]) picture(file.files[0]);
    file.value = "";
  } });
  const tool = (name, label, testid, onclick) =>
    button({ class: "icon-button", title: label, "aria-label": label, "data-testid": testid, onclick }, icon(name));
  const toggle = tool("menu", "打开菜单", "menu-toggle", () => switchMode(true));
  const voice = tool("voice", "发语音", "voice", askVoice);
  const more = tool("more", "更多", "more", openMore);
  const { row, draw: drawSpeakers } = speakers();
  const form = el("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); send(); } },
    row,
    el("div", { class: "tools" }, toggle, voice, tool("picture", "发图片", "picture", () => file.click()), file, more),
    input,
    el("button", { class: "send", text: "发送", "data-testid": "send" }));
  return { form, input, toggle, voice, more, drawSpeakers };
}

function fit() {
  const { input } = parts;
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 160)}px`;
}

function enter(event) {
  // an input method's Enter takes its suggestion
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
}

function paste(event) {
  const pasted = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
  if (!pasted) return;
  event.preventDefault();
  picture(pasted);
}

/** In WeCom what is written beside it goes with it. */
async function picture(file) {
  const { input } = parts;
  const text = inWecom() ? input.value.trim() : "";
  if (!await sendPicture(file, text) || !text) return;
  input.value = "";
  fit();
}

async function send() {
  const { input } = parts;
  const text = input.value.trim();
  const speaker = app.active;
  if (!text) return;
  input.value = "";
  fit();
  if (await say(text)) return;
  if (speaker !== app.active) drafts.set(speaker, text);
  else input.value ||= text;
  fit();
}

function switchMode(menu) {
  menuMode = menu;
  draw();
  (menu ? byId("foot").querySelector("button") : parts.input).focus();
}

function invitation() {
  return el("div", { class: "invitation" },
    el("p", { text: `${persona().name}还没有关注${app.state.account.name}。` }),
    button({ class: "primary", text: "关注", "data-testid": "follow", onclick: () => post("/api/follow", { openid: app.active }) }),
    button({ class: "pill-button", text: "扫码关注", hidden: !app.state.scenes.length, onclick: openScenes }));
}

function menuBar() {
  return el("div", { class: "menu-bar", role: "group", "aria-label": "菜单" },
    button({ class: "icon-button", title: "回到键盘", "aria-label": "回到键盘", "data-testid": "menu-toggle", onclick: () => switchMode(false) },
      icon("keyboard")),
    ...app.state.menu.map((item, index) => menuItem(item, index)));
}

function menuItem(item, index) {
  const below = item.sub_button || [];
  if (!below.length) return el("div", { class: "menu-item" }, menuButton(item, [index]));
  const list = el("div", { class: "sub-menu", hidden: true }, ...below.map((one, at) => menuButton(one, [index, at])));
  const top = button({
    class: "menu-button", "aria-haspopup": "true", "aria-expanded": "false", "data-testid": `menu-${index}`,
    onclick: () => {
      const opens = list.hidden;
      closeMenus();
      list.hidden = !opens;
      top.setAttribute("aria-expanded", String(opens));
      if (opens) list.firstElementChild.focus();
    },
  }, icon("menu"), item.name);
  return el("div", { class: "menu-item" }, top, list);
}

function menuButton(item, path) {
  const properties = {
    class: "menu-button", text: item.name, "data-testid": `menu-${path.join("-")}`,
    onclick: () => { closeMenus(); post("/api/tap", { openid: app.active, path }); },
  };
  const address = item.type === "view" ? webAddress(item.url) : "";
  return address ? outLink(address, properties) : button(properties);
}

function closeMenus() {
  for (const list of document.querySelectorAll(".sub-menu")) {
    list.hidden = true;
    list.previousElementSibling.setAttribute("aria-expanded", "false");
  }
}

function askVoice() {
  const text = el("textarea", { id: "voice-text", rows: 3, maxLength: 500, required: true, "data-testid": "voice-text", placeholder: "比如 打卡 读完第三章" });
  const form = el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const words = text.value.trim();
      const [path, fields] = inWecom() ? ["/api/wecom/voice", here()] : ["/api/voice", { openid: app.active }];
      if (words && await post(path, { ...fields, text: words })) close();
    },
  },
  el("label", { for: "voice-text", text: "你说的话，平台会听成" }), text,
  el("p", { class: "hint", text: "真的微信会把语音认成文字，一起发给机器人。这里由你来写认出的字。" }),
  el("button", { class: "primary", text: "发语音", "data-testid": "voice-send" }));
  const close = openSheet("发语音", [form]);
}

function openMore() {
  const { name } = app.state.account;
  const { openid } = persona();
  const close = openSheet("更多", [el("div", { class: "grid-choices" },
    choice("scan", "扫码", app.state.scenes.length ? "扫机器人做的二维码" : "机器人还没有做过二维码", "scan", openScenes, !app.state.scenes.length),
    choice("bell", "订阅通知", app.state.templates.length ? "同意或拒绝接收" : "没有可订阅的模板", "agree", openTemplates, !app.state.templates.length),
    choice("follow", `取消关注${name}`, "之后他收不到任何消息", "unfollow", () => { close(); post("/api/unfollow", { openid }); }))]);
}

const choice = (name, title, text, testid, onclick, disabled = false) =>
  button({ class: "choice", "data-testid": `more-${testid}`, onclick, disabled }, icon(name), el("strong", { text: title }), el("small", { text }));

function openScenes() {
  const { openid, following } = persona();
  const path = following ? "/api/scan" : "/api/follow";
  const close = openSheet("扫哪一个码", app.state.scenes.map(({ ticket, scene }) =>
    button({ class: "choice wide", "data-testid": `scene-${scene}`, onclick: () => { close(); post(path, { openid, ticket }); } },
      icon("scan"), el("strong", { text: scene }), el("small", { text: ticket }))));
}

function openTemplates() {
  const { openid } = persona();
  const answer = (template, accept) => { close(); post("/api/agree", { openid, template, accept }); };
  const close = openSheet("订阅通知", [
    el("p", { class: "hint", text: "同意一次，账号就能给这个人发一条。" }),
    ...app.state.templates.map((template) => el("div", { class: "template" }, el("code", { text: template }),
      button({ class: "pill-button", text: "拒绝", "data-testid": `refuse-${template}`, onclick: () => answer(template, false) }),
      button({ class: "primary", text: "同意", "data-testid": `agree-${template}`, onclick: () => answer(template, true) })))]);
}
