// Passkeys: asks the server what to sign, the browser to sign it, and says in words what failed.
import { csrf, problem } from "./app.js";

const FIELDS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
const REFRESH_MS = 240_000;

function toText(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function toBytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf(), Accept: "application/json", "Content-Type": "application/json" },
    body: body ? JSON.stringify(body) : null,
  });
  if (!response.ok) throw new Error(await problem(response), { cause: "server" });
  return response.json();
}

/** What the server sent, with bytes where the browser wants bytes. */
function asked(options) {
  const ids = (list) => list?.map((one) => ({ ...one, id: toBytes(one.id) }));
  const user = options.user && { ...options.user, id: toBytes(options.user.id) };
  return {
    ...options,
    challenge: toBytes(options.challenge),
    ...(user && { user }),
    ...(options.excludeCredentials && { excludeCredentials: ids(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: ids(options.allowCredentials) }),
  };
}

/** What the browser made, as plain values. */
function answered(credential) {
  const response = {};
  for (const name of FIELDS) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

function words(error, place) {
  if (error.cause === "server") return error.message;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return place.dataset.cancelled;
  if (error.name === "InvalidStateError") return place.dataset.known;
  return place.dataset.other;
}

async function ceremony(place, more = {}) {
  const publicKey = asked(await post(place.dataset.options));
  const making = place.dataset.passkey === "make";
  const credential = making
    ? await navigator.credentials.create({ publicKey, ...more })
    : await navigator.credentials.get({ publicKey, ...more });
  const { to } = await post(place.dataset.answer, answered(credential));
  location.assign(place.dataset.to ?? to);
}

/** Offers passkeys inside the name's field for as long as the page is open, where browsers can. */
function offer(place) {
  let waiting;
  let stopped = false;
  const ask = async () => {
    waiting?.abort();
    const mine = new AbortController();
    waiting = mine;
    try {
      await ceremony(place, { mediation: "conditional", signal: mine.signal });
    } catch (error) {
      if (!mine.signal.aborted) show(place, error);
    }
  };
  const timer = setInterval(() => stopped || ask(), REFRESH_MS);
  ask();
  return () => {
    stopped = true;
    clearInterval(timer);
    waiting?.abort();
  };
}

function show(place, error) {
  const text = place.querySelector("[data-problem]");
  text.textContent = error ? words(error, place) : "";
  text.hidden = !error;
}

async function prepare(place) {
  const button = place.querySelector("[data-start]");
  const working = place.querySelector("[data-working-words]");
  if (!globalThis.PublicKeyCredential) {
    button.disabled = true;
    working.textContent = place.dataset.unsupported;
    return;
  }
  let stop = () => {};
  button.addEventListener("click", async () => {
    stop();
    show(place, null);
    button.disabled = true;
    working.textContent = place.dataset.working;
    try {
      await ceremony(place);
    } catch (error) {
      show(place, error);
      button.disabled = false;
      button.focus();
    }
    working.textContent = "";
  });
  const field = document.querySelector('input[autocomplete~="webauthn"]');
  const can = PublicKeyCredential.isConditionalMediationAvailable;
  if (field && place.dataset.passkey === "sign-in" && (await can?.call(PublicKeyCredential))) {
    stop = offer(place);
  }
}

for (const place of document.querySelectorAll("[data-passkey]")) prepare(place);
