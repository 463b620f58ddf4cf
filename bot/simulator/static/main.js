// The sandbox's chat page: puts the parts together.

import { on, run } from "./app.js";
import { startComposer } from "./composer.js";
import { byId, icon } from "./dom.js";
import { startLog } from "./log.js";
import { startPeople } from "./people.js";
import { startTabs } from "./tabs.js";
import { startTour } from "./tour.js";

// the same widths as in base.css
const MEDIUM = matchMedia("(max-width: 1099px)");
const NARROW = matchMedia("(max-width: 719px)");
const page = byId("app");

let opener = null;

function openDrawer(name, button) {
  closeDrawers();
  opener = button;
  page.dataset.drawer = name;
  byId("scrim").hidden = false;
  byId(name).querySelector("[aria-current], [aria-selected=true], button")?.focus();
}

function closeDrawers() {
  if (!page.dataset.drawer) return;
  delete page.dataset.drawer;
  byId("scrim").hidden = true;
  opener?.focus();
}

function fold(name, button) {
  if (name === "panel" && MEDIUM.matches) openDrawer(name, button);
  else page.classList.toggle(`without-${name}`);
}

function startFrame() {
  for (const button of document.querySelectorAll("[data-icon]")) button.prepend(icon(button.dataset.icon));
  byId("open-people").onclick = (event) => openDrawer("people", event.currentTarget);
  byId("open-panel").onclick = (event) => openDrawer("panel", event.currentTarget);
  byId("rail-people").onclick = (event) => fold("people", event.currentTarget);
  byId("rail-panel").onclick = (event) => fold("panel", event.currentTarget);
  byId("scrim").onclick = closeDrawers;
  byId("people-list").addEventListener("click", closeDrawers);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("sheet").open) closeDrawers();
  });
  for (const width of [MEDIUM, NARROW]) width.addEventListener("change", closeDrawers);
  on("lost", (lost) => { byId("lost").hidden = !lost; });
}

startFrame();
startPeople();
startLog();
startComposer();
startTabs();
startTour();
run();
