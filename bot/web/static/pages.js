// Comforts only: every page works without.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button:not([type=button])");
  // Not disabled at once: the button's own name and value are still to be sent.
  if (button) setTimeout(() => { button.disabled = true; }, 0);
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button:disabled")) button.disabled = false;
});
