// The page on which somebody chooses a password with a link. The ticket stands behind the `#`, which browsers send to
// nobody; it leaves this page only in the body of the one request that uses it.
"use strict";

const TICKET = /^#(dgt_[0-9a-f]{64})$/;
const CHARS_MIN = 10;

const part = (id) => document.getElementById(id);
const sections = ["no-link", "choose", "void", "done"];
let isSending = false;

// Shows one section, and takes whoever listens or types to it.
function show(id) {
  for (const name of sections) part(name).hidden = name !== id;
  const target = id === "choose" ? part("password") : part(id).querySelector("h1");
  document.title = `${part(id).querySelector("h1").textContent} · Dragoman`;
  target.focus();
}

function say(text, isBad = false) {
  part("said").textContent = text;
  part("said").classList.toggle("bad", isBad);
}

// Says beside a field what is wrong with it; nothing when all is well.
function mark(field, text) {
  const wrong = part(`${field}-wrong`);
  wrong.textContent = text;
  wrong.hidden = text === "";
  part(field).setAttribute("aria-invalid", String(text !== ""));
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

// Whether the two fields can be sent; the first that cannot gets the focus.
function check() {
  const password = part("password").value;
  const isShort = [...password].length < CHARS_MIN;
  mark("password", isShort ? "A password has at least 10 characters." : "");
  mark("again", !isShort && part("again").value !== password ? "The two are not the same." : "");
  const wrong = document.querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
  return !wrong;
}

async function problemOf(answer) {
  try {
    const problem = await answer.json();
    return { code: String(problem.code), title: String(problem.title), detail: String(problem.detail) };
  } catch {
    return { code: "", title: "The server failed", detail: "Try again in a moment." };
  }
}

async function refuse(answer) {
  const problem = await problemOf(answer);
  if (problem.code === "ticket-invalid") {
    part("void-title").textContent = problem.title;
    part("void-detail").textContent = sentence(problem.detail);
    say("");
    return show("void");
  }
  if (problem.code === "weak-password") {
    mark("password", sentence(problem.detail));
    say("");
    return part("password").focus();
  }
  const seconds = Number(answer.headers.get("retry-after"));
  const later = seconds > 0 ? ` Try again in ${seconds} seconds.` : "";
  say(`${sentence(problem.title)}${later || ` ${sentence(problem.detail)}`}`, true);
}

async function send(ticket) {
  const body = JSON.stringify({ ticket, password: part("password").value });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("v1/auth/tickets/redeem", { method: "POST", headers, body, credentials: "omit" });
  if (!answer.ok) return refuse(answer);
  part("form").reset();
  // It was used: nobody needs it in the history.
  history.replaceState(null, "", location.pathname);
  say("");
  show("done");
}

async function submit(event) {
  event.preventDefault();
  const ticket = TICKET.exec(location.hash);
  if (isSending || !ticket) return;
  say("");
  if (!check()) return;
  isSending = true;
  part("send").setAttribute("aria-disabled", "true");
  say("Saving …");
  try {
    await send(ticket[1]);
  } catch {
    say("The server cannot be reached. Check the connection, then try again.", true);
  } finally {
    isSending = false;
    part("send").removeAttribute("aria-disabled");
  }
}

function begin() {
  say("");
  show(TICKET.test(location.hash) ? "choose" : "no-link");
}

part("token-url").textContent = new URL("v1/auth/token", location.href).href;
part("form").addEventListener("submit", submit);
part("show").addEventListener("change", (event) => {
  for (const field of ["password", "again"]) part(field).type = event.target.checked ? "text" : "password";
});
for (const field of ["password", "again"]) part(field).addEventListener("input", () => mark(field, ""));
addEventListener("hashchange", begin);
begin();
