// Uploads in pieces: retried, paused, and gone on with after the page was closed.

import { csrf, dropped, problem } from "./app.js";

const RETRIES = 3;
const AT_ONCE = 4;
const KEPT = "likeness-uploads";

const form = document.getElementById("upload");
const shown = document.getElementById("progress");
const choice = form?.querySelector("input[type=file]");

class Stopped extends Error {}

/** What tells the same files apart from others, without reading them. */
async function fingerprint(collection, files) {
  const told = files.map((f) => `${f.name}\n${f.size}\n${f.lastModified}`).sort();
  const bytes = new TextEncoder().encode([collection, ...told].join("\n\n"));
  if (!crypto.subtle) return told.length + ":" + [...bytes].reduce((h, b) => (h * 31 + b) >>> 0, 7);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function remember(key, id) {
  const known = remembered();
  if (id) known[key] = id;
  else delete known[key];
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // A browser that keeps nothing uploads all the same; it begins anew after a reload.
  }
}

async function ask(path, options = {}) {
  const response = await fetch(path, {
    ...options,
    headers: { accept: "application/json", "x-csrf-token": csrf(), ...options.headers },
  });
  if (response.ok) return response.json();
  const error = new Error(await problem(response.clone()));
  error.status = response.status;
  error.body = await response.json().catch(() => ({}));
  throw error;
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const lasts = (error) => error.status >= 400 && error.status < 500 && error.status !== 429;

/** Draws how far it has come; the words change once a second at most, for screen readers too. */
class Board {
  constructor(files) {
    this.size = files.reduce((sum, f) => sum + f.size, 0);
    this.count = files.length;
    this.done = 0;
    this.arrived = 0;
    this.rows = new Map();
    this.bar = shown.querySelector("[data-bar]");
    this.words = shown.querySelector("[data-words]");
    this.list = shown.querySelector("[data-files]");
    this.said = 0;
    form.hidden = true;
    shown.hidden = false;
  }

  begin(file) {
    const row = document.createElement("li");
    row.className = "stack tight";
    const name = document.createElement("span");
    name.className = "small";
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.max = Math.max(1, file.size);
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    row.append(name, bar);
    this.list.append(row);
    this.rows.set(file, { row, bar, at: 0 });
  }

  at(file, received) {
    const known = this.rows.get(file);
    this.arrived += received - known.at;
    known.at = received;
    known.bar.value = received;
    this.draw();
  }

  end(file) {
    this.rows.get(file).row.remove();
    this.rows.delete(file);
    this.done += 1;
    this.draw(this.done === this.count);
  }

  draw(now = false) {
    this.bar.max = Math.max(1, this.size);
    this.bar.value = this.arrived;
    if (!now && Date.now() - this.said < 1000) return;
    this.said = Date.now();
    const percent = this.size ? Math.floor((100 * this.arrived) / this.size) : 100;
    this.say(`${this.done} of ${this.count} files, ${percent}%`);
  }

  say(words) {
    this.words.textContent = words;
  }
}

const pause = {
  button: shown?.querySelector("[data-pause]"),
  on: false,
  waiting: [],
  toggle() {
    this.on = !this.on;
    this.button.setAttribute("aria-pressed", String(this.on));
    this.button.querySelector("span").textContent = this.on ? "Go on" : "Pause";
    if (!this.on) this.waiting.splice(0).forEach((go) => go());
  },
  over() {
    return this.on ? new Promise((go) => this.waiting.push(go)) : Promise.resolve();
  },
};

/** One piece; a line that breaks is tried again, and the server says where the file goes on. */
async function send(id, number, offset, piece) {
  for (let tried = 0; ; tried += 1) {
    try {
      const answer = await ask(`/uploads/${id}/${number}?offset=${offset}`, {
        method: "PUT",
        body: piece,
        headers: { "content-type": "application/octet-stream" },
      });
      return answer.received;
    } catch (error) {
      if (error.status === 409 && Number.isInteger(error.body.received)) return error.body.received;
      if (lasts(error) || tried === RETRIES) throw error;
      await wait(1000 * 2 ** tried);
    }
  }
}

async function sendFile(id, chunk, { file, number, received }, board) {
  board.begin(file);
  board.at(file, received);
  while (received < file.size) {
    await pause.over();
    received = await send(id, number, received, file.slice(received, received + chunk));
    board.at(file, received);
  }
  board.end(file);
}

/** The upload of these files: the one that was broken off, if the server still knows it. */
async function begun(collection, files, key) {
  const known = remembered()[key];
  if (known) {
    try {
      const state = await ask(`/uploads/${known}`);
      if (["receiving", "failed", "taking"].includes(state.state)) return state;
    } catch (error) {
      if (!lasts(error)) throw error;
    }
  }
  const zip = files.filter((f) => f.name.toLowerCase().endsWith(".zip")).length;
  if (zip && zip < files.length) {
    throw new Stopped("These are photos and archives together. Upload them one after the other.");
  }
  return ask("/uploads", {
    method: "POST",
    body: JSON.stringify({
      collection,
      kind: zip ? "export" : "photos",
      files: files.map((f) => ({ name: f.name, size: f.size })),
    }),
    headers: { "content-type": "application/json" },
  });
}

async function upload(collection, chosen) {
  // In one order however they were chosen, so that numbers mean the same files after a reload.
  const files = [...chosen].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.size - b.size));
  const key = await fingerprint(collection, files);
  const state = await begun(collection, files, key);
  remember(key, state.id);
  const board = new Board(files);
  if (state.state === "receiving") {
    const waiting = state.files.map((known, place) => ({ ...known, file: files[place] }));
    const chunk = Math.min(state.chunk, Number(form.dataset.chunk));
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        await sendFile(state.id, chunk, next, board).catch((error) => {
          // What one cannot send, the others do not go on with.
          waiting.length = 0;
          throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }
  board.say("All has arrived. It is being taken in.");
  const { to } = await ask(`/uploads/${state.id}/finish`, { method: "POST" });
  remember(key, null);
  location.assign(to);
}

function tell(error) {
  const place = form.querySelector("[data-problem]");
  place.textContent = error.message || "The line broke. Choose the same files again to go on.";
  place.hidden = false;
  form.hidden = false;
  shown.hidden = true;
  shown.querySelector("[data-files]").replaceChildren();
}

async function start(files) {
  form.querySelector("[data-problem]").hidden = true;
  try {
    await upload(form.elements.collection.value, files);
  } catch (error) {
    if (error instanceof TypeError) error.message = "The line broke. Upload the same files again to go on.";
    tell(error);
  }
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (choice.files.length) start([...choice.files]);
  });
  pause.button.addEventListener("click", () => pause.toggle());
  dropped(form.querySelector("[data-drop]"), (files) => {
    choice.files = files;
  });
}
