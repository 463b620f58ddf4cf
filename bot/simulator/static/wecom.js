// What only WeCom has: posts with pictures and cards, names and colours in a group, who speaks.

import { app, botName, groupOf, here, on, persona, post, speak, userid } from "./app.js";
import { avatar, button, el, nameColours, outLink, ownAddress, webAddress } from "./dom.js";

/** The name over somebody else's post in a group; the same name, the same colour. */
export function sender(name) {
  const label = el("span", { class: "sender", text: name, "aria-hidden": "true" });
  const [light, dark] = nameColours(name);
  label.style.setProperty("--light", light);
  label.style.setProperty("--dark", dark);
  return label;
}

/** A post's parts, one under the other: words that may still grow, pictures, a card. */
export function parts(bubble, picture) {
  const { text, finished, pictures = [], cards = {} } = bubble;
  const card = cards[userid(persona()?.name)] || bubble.card;
  return [
    text || !finished ? el("div", { class: `bubble${finished ? "" : " going"}` }, ...marked(text || ""),
      finished ? null : el("span", { class: "dots-going", role: "img", "aria-label": "还没写完" }, el("i"), el("i"), el("i"))) : null,
    ...pictures.map((url) => picture({ url: ownAddress(url) })),
    card ? drawCard(card, bubble) : null,
  ].filter(Boolean);
}

const MARKS = /(\[[^\]]+\]\(https?:\/\/[^)\s]+\)|\*\*[^*]+\*\*)/;

/** The little of Markdown that bots use in lines of a chat: links and bold words. */
function marked(text) {
  return text.split(MARKS).filter(Boolean).map((part) => {
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (link && webAddress(link[2])) return outLink(webAddress(link[2]), { class: "link", text: link[1] });
    return part.startsWith("**") && part.endsWith("**") && part.length > 4 ? el("strong", { text: part.slice(2, -2) }) : part;
  });
}

const line = (tag, text) => (text ? el(tag, { text }) : null);

function drawCard(card, bubble) {
  const chosen = {};
  const tap = (key) => post("/api/wecom/tap", { ...here(), chat: bubble.chat, bubble: bubble.id, key, selected: chosen });
  const { main_title: main = {}, emphasis_content: emphasis = {}, submit_button: submit, card_image: image } = card;
  return el("div", { class: "card wecom-card", "data-testid": "wecom-card" },
    image?.url ? line("p", "[图片]") : null,
    line("strong", main.title), line("p", main.desc), line("p", card.sub_title_text),
    emphasis.title ? el("p", { class: "emphasis" }, emphasis.title, line("small", emphasis.desc)) : null,
    ...(card.vertical_content_list || []).flatMap((one) => [line("strong", one.title), line("p", one.desc)]),
    ...(card.horizontal_content_list || []).map((one) => el("p", { class: "line" }, line("span", one.keyname), line("span", one.value || ""))),
    ...(card.checkbox ? [choices(card.checkbox, card.checkbox.mode === 1 ? "checkbox" : "radio", bubble, chosen)] : []),
    ...(card.select_list || []).map((one) => choices(one, "radio", bubble, chosen)),
    el("div", { class: "card-buttons" },
      ...(card.button_list || []).map((one) => button({
        class: `card-button style-${one.style || 1}`, text: one.text || "", "data-testid": `card-${one.key}`, onclick: () => tap(one.key),
      })),
      submit ? button({ class: "card-button style-1", text: submit.text || "提交", "data-testid": `card-${submit.key}`, onclick: () => tap(submit.key) }) : null),
    ...(card.jump_list || []).map((one) => (webAddress(one.url || "") ? outLink(webAddress(one.url), { class: "notice-foot", text: one.title || "" }) : line("p", one.title))));
}

/** A question of a card with its options; what is picked goes into `chosen`. */
function choices(question, type, bubble, chosen) {
  const name = `${bubble.chat}-${bubble.id}-${question.question_key}`;
  const inputs = (question.option_list || []).map((one) => [one, el("input", {
    type, name, value: one.id, checked: Boolean(one.is_checked) || one.id === question.selected_id, onchange: keep,
  })]);
  function keep() {
    chosen[question.question_key] = inputs.filter(([, input]) => input.checked).map(([one]) => one.id);
  }
  keep();
  return el("fieldset", {}, el("legend", { text: question.title || "" }),
    ...inputs.map(([one, input]) => el("label", {}, input, one.text || "")));
}

/** Over the line to write in: whose words these are, and whether the bot is meant. */
export function speakers() {
  const chips = el("div", { class: "chips", role: "group", "aria-label": "谁在说" });
  const toggle = button({ class: "pill-button at", "data-testid": "named", onclick: () => { app.named = !app.named; draw(); } });
  const row = el("div", { class: "speakers" }, chips, toggle);
  let shown = "";
  function draw() {
    const group = groupOf();
    row.hidden = !group;
    if (!group) return;
    toggle.textContent = `@${botName()}`;
    toggle.setAttribute("aria-pressed", String(app.named));
    toggle.title = app.named ? "这句话发给机器人" : "没有 @，机器人收不到，和真的一样";
    const people = app.state.personas.filter((one) => group.members.includes(one.name));
    const summary = JSON.stringify(people);
    if (summary !== shown) chips.replaceChildren(...people.map((one) => chip(one)));
    shown = summary;
    for (const one of chips.children) {
      const speaks = one.dataset.name === persona()?.name;
      one.setAttribute("aria-pressed", String(speaks));
      if (speaks) chips.scrollLeft = one.offsetLeft - chips.offsetLeft - chips.clientWidth / 2 + one.clientWidth / 2;
    }
  }
  for (const topic of ["state", "active", "speaker"]) on(topic, draw);
  return { row, draw };
}

function chip({ name }) {
  const made = button({ class: "chip-button", title: `让${name}说`, "data-testid": `speaker-${name}`, onclick: () => speak(name) }, avatar(name), name);
  made.dataset.name = name;
  return made;
}
