// What the page knows, and who is told when it changes.

import { toast } from "./dom.js";

const KEPT = 300;
const CHATS_AT_ONCE = 40;
const WAIT = 1000;

export const app = {
  state: null,
  active: "",
  chats: new Map(), // openid -> bubbles, oldest first
  unread: new Map(), // openid -> how many
  typing: new Set(),
  person: null, // of the active one
};

const listeners = new Map();
const ARRIVED = 500;
let arrived = []; // bubbles heard since the connection began
let base = { now: Date.now(), at: performance.now() };

/** Topics: state, active (with how many were unread), chat, bubble, typing, person, raw, tour, lost, second. */
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) || []), listener]);
}

function tell(topic, detail) {
  for (const listener of listeners.get(topic) || []) listener(detail);
}

/** The sandbox's time in milliseconds; it runs on between two answers of the server. */
export const now = () => base.now + performance.now() - base.at;

export const persona = (openid = app.active) => app.state?.personas.find((one) => one.openid === openid);

export const bubblesOf = (openid) => app.chats.get(openid) || [];

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

export const say = (text, id) => post("/api/say", { openid: app.active, text, ...(id ? { menu_id: id } : {}) });

export function choose(openid) {
  if (!openid || openid === app.active) return;
  const unread = app.unread.get(openid) || 0;
  app.active = openid;
  app.unread.delete(openid);
  app.person = null;
  sessionStorage.setItem("xueban.active", openid);
  tell("active", unread);
  loadPerson();
}

export async function loadState() {
  const state = await get("/api/state");
  app.state = state;
  base = { now: Date.parse(state.clock.now), at: performance.now() };
  if (!persona()) {
    const last = sessionStorage.getItem("xueban.active");
    choose(persona(last) ? last : state.personas[0]?.openid);
  }
  tell("state");
}

async function loadChat(openid) {
  const { bubbles } = await get(`/api/chat/${encodeURIComponent(openid)}`);
  const known = new Set(bubbles.map((one) => one.id));
  // what arrived while the answer was under way
  const late = arrived.filter((one) => one.openid === openid && !known.has(one.id));
  app.chats.set(openid, [...bubbles, ...late]);
  tell("chat", openid);
}

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
  const openid = app.active;
  if (!openid) return;
  const person = await get(`/api/person/${encodeURIComponent(openid)}`);
  if (openid !== app.active) return;
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
  const openids = app.state.personas.map((one) => one.openid).slice(0, CHATS_AT_ONCE);
  await loadChat(app.active);
  const others = openids.filter((one) => one !== app.active);
  await Promise.all(others.map((one) => loadChat(one).catch(() => {})));
  arrived = [];
  loadPerson();
  tell("raw", "");
}

function heardBubble(bubble) {
  const bubbles = bubblesOf(bubble.openid);
  if (bubbles.some((one) => one.id === bubble.id)) return;
  arrived.push(bubble);
  if (arrived.length > ARRIVED) arrived.shift();
  // the clock was turned, and the state that says so is still to come
  if (Date.parse(bubble.at) > now()) base = { now: Date.parse(bubble.at), at: performance.now() };
  bubbles.push(bubble);
  if (bubbles.length > KEPT) bubbles.splice(0, bubbles.length - KEPT);
  app.chats.set(bubble.openid, bubbles);
  if (bubble.openid === app.active) loadPerson();
  else if (bubble.side === "bot") app.unread.set(bubble.openid, (app.unread.get(bubble.openid) || 0) + 1);
  tell("bubble", bubble);
  if (!persona(bubble.openid)) refresh();
}

async function heardTour(event) {
  if (event.focus) {
    if (!persona(event.focus)) await loadState().catch(() => {});
    if (persona(event.focus)) choose(event.focus);
  }
  tell("tour", event);
}

function heard(event) {
  if (event.type === "bubble") heardBubble(event.bubble);
  else if (event.type === "typing") {
    app.typing[event.on ? "add" : "delete"](event.openid);
    tell("typing", event.openid);
  } else if (event.type === "raw") tell("raw", event.openid);
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
