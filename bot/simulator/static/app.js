// What the page knows, and who is told when it changes.

import { toast } from "./dom.js";

const KEPT = 300;
const CHATS_AT_ONCE = 40;
const WAIT = 1000;

export const app = {
  state: null,
  active: "", // the open chat: an openid, a userid (somebody's own chat in WeCom) or a group's chatid
  speaker: "", // the openid of who is played
  named: true, // whether what is said in a group is for the bot
  chats: new Map(), // chat -> bubbles, oldest first
  unread: new Map(), // chat -> how many
  typing: new Set(),
  person: null, // what the platform allows in the active one
};

const listeners = new Map();
const ARRIVED = 500;
let arrived = []; // bubbles heard since the connection began
let base = { now: Date.now(), at: performance.now() };

/** Topics: state, active (with how many were unread), speaker, chat, bubble, changed, typing, person, raw, tour, lost, second. */
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) || []), listener]);
}

function tell(topic, detail) {
  for (const listener of listeners.get(topic) || []) listener(detail);
}

/** The sandbox's time in milliseconds; it runs on between two answers of the server. */
export const now = () => base.now + performance.now() - base.at;

export const persona = (openid = app.speaker) => app.state?.personas.find((one) => one.openid === openid);

const named = (name) => app.state?.personas.find((one) => one.name === name);

export const userid = (name) => app.state?.wecom?.userids[name] || "";

export const groups = () => app.state?.wecom?.groups || [];

export const groupOf = (chat = app.active) => groups().find((one) => one.chat === chat);

const ownerOf = (chat) => chat && app.state?.personas.find((one) => one.openid === chat || userid(one.name) === chat);

/** Whether a chat is one in WeCom. */
export const inWecom = (chat = app.active) => Boolean(chat) && !persona(chat);

export const botName = () => (inWecom() ? app.state?.wecom?.bot.name : app.state?.account.name) || "";

export const bubblesOf = (chat) => app.chats.get(chat) || [];

export async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

/** Sends `body`, an object or a FormData. Returns whether it was accepted; says why not. */
export async function post(path, body) {
  const headers = { "X-Sandbox": "1" };
  if (!(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  try {
    const answer = await fetch(path, { method: "POST", headers, body });
    if (answer.ok) return true;
    const said = await answer.json().catch(() => ({}));
    toast(said.error || `沙盒没有答应（${answer.status}）`);
  } catch {
    toast("没发出去：连不上沙盒。");
  }
  return false;
}

/** Who says something in WeCom, and where. */
export const here = () => ({ name: persona().name, chat: groupOf()?.chat || "", named: app.named });

export function say(text, id) {
  if (inWecom()) return post("/api/wecom/say", { ...here(), text });
  return post("/api/say", { openid: app.active, text, ...(id ? { menu_id: id } : {}) });
}

/** Somebody else speaks in the open group. */
export function speak(name) {
  const { openid } = named(name) || {};
  if (!openid || openid === app.speaker) return;
  app.speaker = openid;
  tell("speaker");
}

export function choose(chat) {
  if (!chat || chat === app.active) return;
  const unread = app.unread.get(chat) || 0;
  const group = groupOf(chat);
  app.active = chat;
  if (!group) app.speaker = ownerOf(chat).openid;
  else if (!group.members.includes(persona()?.name)) app.speaker = app.state.personas[0].openid;
  app.unread.delete(chat);
  app.person = null;
  sessionStorage.setItem("xueban.active", chat);
  tell("active", unread);
  loadPerson();
  if (inWecom() && !group) post("/api/wecom/enter", { name: persona().name });
}

export async function loadState() {
  const state = await get("/api/state");
  app.state = state;
  base = { now: Date.parse(state.clock.now), at: performance.now() };
  if (!persona()) {
    const last = sessionStorage.getItem("xueban.active");
    choose(groupOf(last) || ownerOf(last) ? last : state.personas[0]?.openid);
  }
  tell("state");
}

const ask = (what, chat) => get(`/api/${inWecom(chat) ? "wecom/" : ""}${what}/${encodeURIComponent(chat)}`);

async function loadChat(chat) {
  const { bubbles } = await ask("chat", chat);
  const all = new Map(bubbles.map((one) => [one.id, one]));
  // what arrived, or changed, while the answer was under way
  for (const one of arrived) if (one.chat === chat) all.set(one.id, one);
  app.chats.set(chat, [...all.values()]);
  tell("chat", chat);
}

export const loadRaw = (chat) => ask("raw", chat);

/** One request at a time and one more after it, however often it is asked for. */
function gathered(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      work().catch(() => {});
    }, 120);
  };
}

export const loadPerson = gathered(async () => {
  const chat = app.active;
  if (!chat) return;
  const person = await ask(inWecom(chat) ? "limits" : "person", chat);
  if (chat !== app.active) return;
  app.person = person;
  tell("person");
});

const refresh = gathered(async () => {
  await loadState();
  loadPerson();
});

/** Everything anew: at the start and after a lost connection. */
async function loadAll() {
  await loadState();
  const people = app.state.personas.slice(0, CHATS_AT_ONCE);
  const chats = [...people.map((one) => one.openid), ...groups().map((one) => one.chat), ...people.map((one) => userid(one.name))];
  await loadChat(app.active);
  const others = chats.filter((one) => one && one !== app.active);
  await Promise.all(others.map((one) => loadChat(one).catch(() => {})));
  arrived = [];
  loadPerson();
  tell("raw", "");
}

function heardBubble(bubble) {
  const bubbles = bubblesOf(bubble.chat);
  const at = bubbles.findIndex((one) => one.id === bubble.id);
  arrived.push(bubble);
  if (arrived.length > ARRIVED) arrived.shift();
  if (at >= 0) {
    bubbles[at] = bubble;
    return tell("changed", bubble);
  }
  // the clock was turned, and the state that says so is still to come
  if (Date.parse(bubble.at) > now()) base = { now: Date.parse(bubble.at), at: performance.now() };
  bubbles.push(bubble);
  if (bubbles.length > KEPT) bubbles.splice(0, bubbles.length - KEPT);
  app.chats.set(bubble.chat, bubbles);
  if (bubble.chat === app.active) loadPerson();
  else if (bubble.side === "bot") app.unread.set(bubble.chat, (app.unread.get(bubble.chat) || 0) + 1);
  tell("bubble", bubble);
  if (!groupOf(bubble.chat) && !ownerOf(bubble.chat)) refresh();
}

async function heardTour(event) {
  if (event.focus) {
    const known = () => groupOf(event.focus) || ownerOf(event.focus);
    if (!known()) await loadState().catch(() => {});
    if (known()) choose(event.focus);
    if (groupOf()) speak(event.who);
  }
  tell("tour", event);
}

function heard(event) {
  if (event.type === "bubble") heardBubble(event.bubble);
  else if (event.type === "typing") {
    app.typing[event.on ? "add" : "delete"](event.chat);
    tell("typing", event.chat);
  } else if (event.type === "raw") tell("raw", event.chat);
  else if (event.type === "state") refresh();
  else if (event.type === "tour") heardTour(event);
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

/**
 * Listens for ever. A new EventSource after each loss rather than the browser's own repeating: that
 * one gives up on an HTTP error and would ask a restarted server for events after an id it never had.
 */
export async function run() {
  for (;;) {
    arrived = [];
    const source = new EventSource("/api/events");
    source.onmessage = (message) => heard(JSON.parse(message.data));
    const lost = new Promise((done) => { source.onerror = done; });
    const open = new Promise((done) => { source.onopen = done; });
    await Promise.race([open, lost, pause(WAIT)]);
    try {
      await loadAll();
      tell("lost", false);
      await lost;
    } catch { /* told below */ }
    source.close();
    app.typing.clear();
    tell("typing", app.active);
    tell("lost", true);
    await pause(WAIT);
  }
}

setInterval(() => tell("second"), 1000);
