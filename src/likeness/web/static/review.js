// Review with one key an answer: sends it, says what came of it, and puts the next card in place.
import { csrf, nodes, problem } from "./app.js";

const card = document.querySelector("[data-card]");
const heard = document.querySelector("[data-heard]");
let busy = false;

/** Fetch the pictures of the card after this one, so that it is there at once. */
function lookAhead() {
  const next = card.querySelector("[data-next]");
  for (const src of next ? next.dataset.next.split(" ") : []) new Image().src = src;
}

async function send(form, button) {
  if (busy) return;
  busy = true;
  const body = new URLSearchParams(new FormData(form, button));
  const key = button?.dataset.key;
  card.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { accept: "application/json", "x-csrf-token": csrf(), "x-fragment": "1" },
    });
    if (!response.ok) {
      say(await problem(response));
      return;
    }
    const had = card.contains(document.activeElement);
    card.replaceChildren(nodes(await response.text()));
    const left = card.querySelector("[data-left]")?.textContent ?? "";
    say(`${card.firstElementChild.dataset.said} ${left}`);
    if (had) (card.querySelector(`[data-key="${key}"]`) ?? card.querySelector("button, a"))?.focus();
    lookAhead();
  } catch {
    say("The server cannot be reached. Nothing was decided; try it again.");
  } finally {
    busy = false;
    card.removeAttribute("aria-busy");
  }
}

function say(text) {
  heard.textContent = text;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-review]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  send(form, event.submitter);
}, true);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select")) return;
  const button = card.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button) return;
  event.preventDefault();
  send(button.form, button);
});

lookAhead();
