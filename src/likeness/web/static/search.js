// Searching: a photo that is dropped, pasted, chosen or taken; faces drawn on it to choose from;
// what is found streams in. The photo stays in this page and the server's memory.

import { csrf, dropped, events, nodes, problem } from "./app.js";

const form = document.getElementById("search");
const results = document.getElementById("results");
const state = document.querySelector("[data-state]");
const SVG = "http://www.w3.org/2000/svg";

if (form) start();

function start() {
  const inputs = [...form.querySelectorAll("input[type=file]")];
  const asking = JSON.parse(form.dataset.asking);
  const where = form.elements.collection;
  const purpose = form.elements.purpose;
  let photo = null;
  let running = null;

  const asks = () => (where && where.value ? asking.includes(where.value) : asking.length > 0);
  const showPurpose = () => {
    if (!purpose) return;
    purpose.closest(".field").hidden = !asks();
    purpose.required = asks();
  };
  where?.addEventListener("change", showPurpose);
  showPurpose();

  for (const input of inputs) {
    input.addEventListener("change", () => input.files.length && take(input.files[0]));
  }
  dropped(form.querySelector("[data-drop]"), (files) => take(files[0]));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (file) take(file);
  });

  function take(file) {
    photo = file;
    for (const input of inputs) input.value = "";
    show(file);
    if (!purpose?.required || purpose.value.trim()) search(form);
    else purpose.focus();
  }

  document.addEventListener("submit", (event) => {
    const sent = event.target;
    if (sent !== form && !results.contains(sent)) return;
    event.preventDefault();
    if (sent === form && !photo) {
      state.textContent = "Choose a photo first.";
      return;
    }
    choose(sent.dataset.face);
    search(sent);
  });

  async function search(sent) {
    // The photo goes by itself, which spares the server taking a form of many megabytes apart.
    const said = new URLSearchParams({ collection: where?.value ?? "", purpose: purpose?.value ?? "" });
    const photoAlone = { "X-Search": said, "Content-Type": "application/octet-stream" };
    running?.abort();
    running = new AbortController();
    const mine = running;
    results.replaceChildren();
    results.setAttribute("aria-busy", "true");
    state.classList.remove("visually-hidden");
    state.textContent = "Looking …";
    try {
      const response = await fetch("/search", {
        method: "POST",
        body: sent === form ? photo : new FormData(sent),
        headers: { Accept: "text/event-stream", "X-CSRF-Token": csrf(), ...(sent === form ? photoAlone : {}) },
        signal: mine.signal,
      });
      if (!response.ok) throw new Error(await problem(response));
      for await (const { name, data } of events(response)) {
        if (mine.signal.aborted) return;
        if (name === "state") waiting(JSON.parse(data).waiting);
        else if (name === "boxes") draw(JSON.parse(data).boxes);
        else showPart(nodes(data));
      }
      // Said once more for who does not see the heading come.
      state.classList.add("visually-hidden");
      state.textContent = results.querySelector("h2, [role=alert]")?.textContent ?? "";
    } catch (error) {
      if (error.name !== "AbortError") state.textContent = error.message;
    } finally {
      if (running === mine) results.removeAttribute("aria-busy");
    }
  }
}

/** What has come, and at first in view: on a phone it lies below the photo. */
function showPart(part) {
  const first = !results.childElementCount;
  results.append(part);
  if (first) results.scrollIntoView({ block: "start" });
}

function waiting(others) {
  if (others > 0) state.textContent = others === 1 ? "One search is before yours …" : `${others} searches are before yours …`;
}

function show(file) {
  const preview = form.querySelector("[data-preview]");
  const image = new Image();
  image.alt = "The photo that you search with";
  image.src = URL.createObjectURL(file);
  image.addEventListener("error", () => {
    preview.hidden = true;
  });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  preview.replaceChildren(image);
  preview.hidden = false;
}

/** The faces on the photo, left to right. Each stands for its form in the results, which keys reach. */
function draw(boxes) {
  const preview = form.querySelector("[data-preview]");
  const image = preview.querySelector("img");
  if (!image?.naturalWidth) return;
  const over = document.createElementNS(SVG, "svg");
  over.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
  over.setAttribute("class", "boxes");
  over.setAttribute("aria-hidden", "true");
  boxes.forEach(([left, top, right, bottom], number) => {
    const box = document.createElementNS(SVG, "rect");
    const places = { x: left, y: top, width: right - left, height: bottom - top };
    for (const [name, value] of Object.entries(places)) box.setAttribute(name, value);
    box.addEventListener("click", () => results.querySelector(`form[data-face="${number}"]`)?.requestSubmit());
    over.append(box);
  });
  preview.querySelector("svg")?.remove();
  preview.append(over);
}

/** Mark the face that was chosen; with a new photo none is. */
function choose(face) {
  const boxes = [...form.querySelectorAll("[data-preview] rect")];
  boxes.forEach((box, number) => box.classList.toggle("chosen", String(number) === face));
}
