// What every page gets: copy buttons, live progress of tasks, and forms that are sent once.

export function csrf() {
  return document.querySelector('meta[name="csrf"]').content;
}

/** Text of the problem behind an answer that is not well. */
export async function problem(response) {
  try {
    const body = await response.json();
    return [body.title, body.fix].filter(Boolean).join(" ");
  } catch {
    return "The server did not answer as expected. Try it again.";
  }
}

/** HTML that our own server rendered, as nodes. Only this policy may make nodes from text. */
const policy = globalThis.trustedTypes?.createPolicy("likeness", { createHTML: (html) => html });
export function nodes(html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}

/** Each event of a streamed answer to a POST, as {name, data}. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    held += value ?? "";
    let end;
    while ((end = held.indexOf("\n\n")) >= 0) {
      const lines = held.slice(0, end).split("\n");
      held = held.slice(end + 2);
      yield {
        name: lines.find((l) => l.startsWith("event: "))?.slice(7) ?? "message",
        data: lines.filter((l) => l.startsWith("data: ")).map((l) => l.slice(6)).join("\n"),
      };
    }
    if (done) return;
  }
}

/** Let files be dropped on a place of the page. */
export function dropped(place, take) {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
  });
}

function copyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      const label = button.querySelector("span") ?? button;
      label.textContent = button.dataset.copied ?? "Copied";
    });
  }
}

// Sent twice, the second answer takes the place of the first, and with it of what is told only once.
function sendOnce() {
  const sent = new Set();
  // At the window, so that scripts that send a form themselves have had their say.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
    setTimeout(() => sent.delete(form), 30000);
  });
  addEventListener("pageshow", () => sent.clear());
}

function watchTask() {
  const task = document.querySelector("[data-task]");
  if (!task) return;
  const bar = task.querySelector("progress");
  const words = task.querySelector("[data-words]");
  const source = new EventSource(task.dataset.task);
  source.addEventListener("progress", (event) => {
    const at = JSON.parse(event.data);
    if (at.percent !== null) bar.value = at.percent;
    if (at.phase) words.textContent = at.total ? `${at.phase}: ${at.done} of ${at.total}` : `${at.phase}: ${at.done}`;
  });
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
}

copyButtons();
sendOnce();
watchTask();
