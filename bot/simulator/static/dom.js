// Making elements. Everything that comes from the server goes in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  chat: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5zM8 9h8M8 12h5",
  panel: "M4 6a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM14 4v16M16.5 8h1M16.5 11h1M16.5 14h1",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-4 2.5-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 0 1 0 6M17.5 14.5c2.3.8 3.5 2.600 3.5 5.5",
  plus: "M12 5v14M5 12h14",
  more: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 8v8M8 12h8",
  close: "M6 6l12 12M18 6L6 18",
  picture: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM4 16l4.5-5 4 4.5 2.5-2.5 5 5M15.5 9.5h.01",
  voice: "M12 3.5a3 3 0 0 1 3 3V11a3 3 0 0 1-6 0V6.5a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3",
  wave: "M7 10.5a3 3 0 0 1 0 3M10.5 7.5a7 7 0 0 1 0 9M14 4.5a11.5 11.5 0 0 1 0 15",
  keyboard: "M3.5 8A1.5 1.5 0 0 1 5 6.5h14A1.5 1.5 0 0 1 20.5 8v8a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 16zM7 10h.01M10.3 10h.01M13.600 10h.01M17 10h.01M8 14h8",
  menu: "M5 7h14M5 12h14M5 17h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  copy: "M9 9h10v11H9zM6 15H5V4h10v2",
  ledger: "M6 4h12v16H6zM9 8.5h6M9 12h6M9 15.5h3.5",
  raw: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  clock: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 7.5V12l3 2",
  faults: "M13 3L5 13.5h6L10 21l8-10.5h-6z",
  account: "M4.5 6h15v12h-15zM9 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6.5 16c.5-1.5 4.5-1.5 5 0M14.5 10h2.5M14.5 13.5h2.5",
  scan: "M4 9V5h4M16 5h4v4M20 15v4h-4M8 19H4v-4M4 12h16",
  follow: "M10 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM4 20c0-4 2.5-6 6-6 1.5 0 2.800.4 3.800 1.100M18 14v6M15 17h6",
  bell: "M6.5 16V11a5.5 5.5 0 0 1 11 0v5l1.5 1.5H5zM10 20h4",
  send: "M4 12l16-7.5-5 15.5-3.5-5.5zM11.5 14.5L20 4.5",
};

/**
 * An element. `properties`: class, text, hidden and so on are set as properties, names with a dash
 * (data-…, aria-…) and role as attributes, functions under on… as listeners.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

export const byId = (id) => document.getElementById(id);

export function button(properties, ...children) {
  return el("button", { type: "button", ...properties }, ...children);
}

const PAINTS = [["#4c8bf5", "#2f62c9"], ["#f08a4b", "#cf5f23"], ["#2fa98c", "#1b7c68"], ["#8b6fd8", "#6446b3"],
  ["#e0698a", "#b93f66"], ["#3d9fc4", "#22749a"], ["#c99a2e", "#9c6f12"], ["#6a9a3c", "#487421"], ["#d0605c", "#a63d3d"],
  ["#5d7390", "#3e5069"]];

function paint(name) {
  let hash = 0;
  for (const letter of name) hash = (hash * 2 + letter.codePointAt(0)) % 65521;
  return PAINTS[hash % PAINTS.length];
}

/** A name's colour as text: on a light ground, and on a dark one. */
export function nameColours(name) {
  const [from, to] = paint(name);
  return [`color-mix(in srgb, ${to}, #000 25%)`, `color-mix(in srgb, ${from}, #fff 40%)`];
}

/** A coloured square with the last one or two characters of a name; the same name, the same colour. */
export function avatar(name) {
  const letters = [...(name || "?").trim()].slice(-2).join("");
  const square = el("span", { class: "avatar", text: letters, "aria-hidden": "true" });
  const [from, to] = paint(name);
  square.style.background = `linear-gradient(150deg, ${from}, ${to})`;
  return square;
}

export function botAvatar() {
  return el("span", { class: "avatar bot-avatar", "aria-hidden": "true" }, el("img", { src: "/static/icon.svg", alt: "" }));
}

export function toast(text) {
  const line = el("div", { class: "toast", text });
  byId("toasts").append(line);
  setTimeout(() => line.remove(), 4500);
}

const WORDS = /(<a href="[^"]*">[\s\S]*?<\/a>)/;
const LINK = /^<a href="([^"]*)">([\s\S]*?)<\/a>$/;

/** The address when it is http(s), else "". */
export function webAddress(address) {
  try {
    const found = new URL(address);
    return found.protocol === "http:" || found.protocol === "https:" ? found.href : "";
  } catch {
    return "";
  }
}

/** A file's address when this server has it, else "". */
export function ownAddress(address) {
  try {
    const found = new URL(address, location.href);
    return found.origin === location.origin ? found.href : "";
  } catch {
    return "";
  }
}

export function outLink(address, properties, ...children) {
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", ...properties }, ...children);
}

/** A bot's text as nodes: both kinds of links, everything else literal. `say(content, id)` is told of a tap. */
export function words(text, say) {
  return (text || "").split(WORDS).filter(Boolean).map((part) => {
    const link = LINK.exec(part);
    if (!link) return document.createTextNode(part);
    const address = webAddress(link[1]);
    if (address) return outLink(address, { class: "link", text: link[2] });
    const tapped = menuMessage(link[1]);
    if (!tapped) return document.createTextNode(part);
    return button({ class: "link", text: link[2], onclick: () => say(tapped.content, tapped.id) });
  });
}

function menuMessage(address) {
  const start = "weixin://bizmsgmenu?";
  if (!address.startsWith(start)) return null;
  const fields = new Map(address.slice(start.length).replaceAll("&amp;", "&").split("&").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), decoded(pair.slice(at + 1))];
  }));
  const content = fields.get("msgmenucontent");
  return content ? { content, id: fields.get("msgmenuid") } : null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Opens the page's one dialog. Returns the function that closes it. */
export function openSheet(title, content, className = "") {
  const sheet = byId("sheet");
  const close = () => sheet.close();
  sheet.className = `sheet ${className}`;
  sheet.replaceChildren(
    el("div", { class: "sheet-head" },
      el("h2", { id: "sheet-title", text: title }),
      button({ class: "icon-button", "aria-label": "关上", "data-testid": "sheet-close", onclick: close }, icon("close"))),
    el("div", { class: "sheet-body" }, ...content));
  if (!sheet.open) sheet.showModal();
  sheet.onclick = (event) => { if (event.target === sheet) close(); };
  sheet.querySelector("[autofocus], .sheet-body input, .sheet-body textarea, .sheet-body button")?.focus();
  return close;
}
