// The live capture: pictures of the camera go to the server one at a time, and what it answers is
// said, shown and drawn. The preview is mirrored for the eyes; what is sent is not.

import { csrf } from "./app.js";

const LONG_SIDE = 640;
const QUALITY = 0.8;
const LEAST_BETWEEN = 150;
const SAID_AT_LEAST = 700;
const OFFLINE_AFTER = 6000;
const AGAIN_SHOWN = 6000;

const root = document.querySelector("[data-capture]");
const video = root.querySelector("video");
const canvas = document.createElement("canvas");
const say = root.querySelector("[data-say]");
const again = root.querySelector("[data-again]");
const left = root.querySelector("[data-left]");
const towards = root.querySelector(".towards");
const three = root.querySelector("[data-three]");

let stream = null;
let run = 0;
let endsAt = 0;
let saidAt = 0;
let waiting = 0;
let againUntil = 0;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const word = (name) => root.querySelector(`[data-word="${name}"]`)?.textContent ?? "";

/** Show one of the states that the page has a part for, and nothing of the others. */
function show(state) {
  root.dataset.at = state;
  for (const part of root.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
  if (state === "running") root.scrollIntoView({ block: "start" });
  const heading = root.querySelector(`[data-when="${state}"] h2[tabindex]`);
  heading?.focus();
}

function stop() {
  run += 1;
  clearTimeout(waiting);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  canvas.width = canvas.width || 1;
}

function end(state) {
  stop();
  show(root.querySelector(`[data-when="${state}"]`) ? state : "used");
}

const REFUSALS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  OverconstrainedError: "none",
};

async function start() {
  stop();
  const mine = run;
  if (!navigator.mediaDevices?.getUserMedia) return end("refused_here");
  show("asking");
  try {
    const opened = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } },
    });
    if (mine !== run) {
      for (const track of opened.getTracks()) track.stop();
      return;
    }
    stream = opened;
    stream.getVideoTracks()[0].addEventListener("ended", () => mine === run && end("used"));
    show("running");
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    if (mine === run) end(REFUSALS[error.name] ?? "used");
    return;
  }
  await watch(mine);
}

/** Send pictures until it passed, failed, or another run began. */
async function watch(mine) {
  let failing = 0;
  let began = false;
  while (mine === run) {
    const since = performance.now();
    try {
      const step = began ? await sent() : await posted(root.dataset.begin, null);
      if (mine !== run) return;
      failing = 0;
      began = true;
      if (step) tell(step);
    } catch (error) {
      if (mine !== run) return;
      if (error.state) return end(error.state);
      failing ||= since;
      if (performance.now() - failing > OFFLINE_AFTER) return end("offline");
      await pause(500);
    }
    await pause(Math.max(0, LEAST_BETWEEN - (performance.now() - since)));
  }
}

class Ended extends Error {
  constructor(state) {
    super(state);
    this.state = state;
  }
}

async function posted(address, body) {
  const response = await fetch(address, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf(), Accept: "application/json", ...(body && { "Content-Type": "image/jpeg" }) },
    body,
    signal: AbortSignal.timeout(10000),
  });
  if (response.redirected) throw new Ended("lapsed");
  if (response.ok) return response.json();
  if (response.status === 422) return null;
  if (response.status >= 500) throw new Error("The server failed.");
  throw new Ended(response.status === 429 ? "crowded" : "lapsed");
}

async function sent() {
  if (!video.videoWidth) return null;
  const scale = Math.min(1, LONG_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return picture && posted(root.dataset.frames, picture);
}

function tell(step) {
  if (step.state === "busy") return;
  if (step.state === "passed") {
    end("passed");
    setTimeout(() => location.assign(root.dataset.done), 1200);
    return;
  }
  if (step.state === "failed") return end(step.reason);
  endsAt = performance.now() + step.seconds_left * 1000;
  if (step.again) {
    again.querySelector("span").textContent = word(`again-${step.again}`);
    againUntil = performance.now() + AGAIN_SHOWN;
  }
  again.hidden = performance.now() > againUntil;
  towards.setAttribute("stroke-dasharray", `${Math.round(step.towards * 100)} 100`);
  const arrow = step.state === "moving" ? step.asked : "";
  for (const each of root.querySelectorAll("[data-arrow]")) {
    each.setAttribute("visibility", each.dataset.arrow === arrow ? "visible" : "hidden");
  }
  if (three.dataset.done !== String(step.done)) {
    if (step.done > Number(three.dataset.done ?? 0)) navigator.vibrate?.(60);
    three.dataset.done = step.done;
    three.querySelector("title").textContent = word(`done-${step.done}`);
    three.querySelectorAll("circle").forEach((circle, place) => circle.classList.toggle("done", place < step.done));
  }
  speak(word(`say-${step.say}`));
}

/** Words stay long enough to be read, and are not said again while they stay the same. */
function speak(text) {
  clearTimeout(waiting);
  if (say.textContent === text) return;
  const due = saidAt + SAID_AT_LEAST - performance.now();
  if (due > 0) {
    waiting = setTimeout(() => speak(text), due);
    return;
  }
  say.textContent = text;
  saidAt = performance.now();
}

function countDown() {
  if (root.dataset.at !== "running" || !endsAt) return;
  const seconds = Math.max(0, Math.round((endsAt - performance.now()) / 1000));
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

for (const button of root.querySelectorAll("[data-start]")) button.addEventListener("click", start);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && ["running", "asking"].includes(root.dataset.at)) end("paused");
  else if (!document.hidden && root.dataset.at === "paused") start();
});
addEventListener("pagehide", stop);
setInterval(countDown, 500);
