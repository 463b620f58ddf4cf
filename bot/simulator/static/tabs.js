// The panel on the right: five tabs.

import { startClock } from "./clock.js";
import { startLedger } from "./ledger.js";
import { startRaw } from "./raw.js";
import { startAccount, startFaults } from "./settings.js";
import { button, byId, el, icon } from "./dom.js";

const TABS = [["ledger", "账本", startLedger], ["raw", "报文", startRaw], ["clock", "时钟", startClock],
  ["faults", "故障", startFaults], ["account", "账号", startAccount]];

export function startTabs() {
  const opened = {};
  for (const [name, label, start] of TABS) {
    const page = el("div", { class: `tab-page ${name}`, id: `page-${name}`, role: "tabpanel", tabIndex: 0, hidden: true, "aria-labelledby": `tab-${name}` });
    opened[name] = start(page);
    byId("tab-pages").append(page);
    byId("tabs").append(button({
      class: "tab", id: `tab-${name}`, role: "tab", "aria-controls": `page-${name}`, "data-testid": `tab-${name}`,
      onclick: () => show(name, opened),
    }, icon(name), el("span", { text: label })));
  }
  byId("tabs").addEventListener("keydown", move);
  show("ledger", opened);
}

function show(chosen, opened) {
  for (const [name] of TABS) {
    const tab = byId(`tab-${name}`);
    const active = name === chosen;
    tab.setAttribute("aria-selected", String(active));
    tab.tabIndex = active ? 0 : -1;
    byId(`page-${name}`).hidden = !active;
  }
  byId("app").dataset.tab = chosen;
  opened[chosen]?.();
}

function move(event) {
  const tabs = [...byId("tabs").children];
  const at = tabs.indexOf(document.activeElement);
  const goal = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  const next = tabs[(goal + tabs.length) % tabs.length];
  next.focus();
  next.click();
}
