// What the page gains with script: the reader's zone, the keyboard, a theme, and the live tail.

const two = (number) => String(number).padStart(2, "0");
const part = (name, text) => Object.assign(document.createElement("span"), { className: name, textContent: text });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const short = time.dataset.form === "minute";
    const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
    time.title = time.dateTime;
    time.replaceChildren(
      part("day", short ? day : `${at.getFullYear()}-${day}`),
      short ? ` ${clock}` : ` ${clock}:${two(at.getSeconds())}`,
    );
  }
}

function move(step) {
  const rows = [...document.querySelectorAll(".rows tbody tr")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("chosen"));
  const next = Math.min(rows.length - 1, Math.max(0, now + step));
  rows.forEach((row, place) => row.classList.toggle("chosen", place === next));
  rows[next].querySelector("a")?.focus();
}

const places = {
  o: "/", s: "/search", l: "/tail", t: "/timeline", e: "/sessions", r: "/requests", a: "/alerts",
};
let going = false;

function onKey(event) {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("help")) return;
  const place = going && places[event.key];
  going = event.key === "g";
  if (place) location.assign(place);
  else if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("q");
    box ? box.focus() : location.assign("/search#q");
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") document.getElementById("help").showModal();
  else if (event.key === "p") document.getElementById("pause")?.click();
}

function themes() {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const other = () => ((root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark");
  const label = () => { button.textContent = other() === "dark" ? "Dark" : "Light"; };
  label();
  dark.addEventListener("change", label);
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = other();
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
    label();
  });
}

function footer() {
  const button = document.getElementById("keys");
  if (!button) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.getElementById("zone").textContent = `Times are in ${zone}; point at one for UTC.`;
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById("help").showModal());
}

const MOST_ROWS = 300;

function tail() {
  const box = document.getElementById("tail");
  if (!box) return;
  const rows = document.querySelector("#tail-rows tbody");
  const pause = document.getElementById("pause");
  const waiting = [];
  let paused = false;
  const say = (text, look) => {
    document.getElementById("tail-state").textContent = text;
    document.getElementById("pulse").className = `pulse ${look}`;
  };
  const live = () => (paused
    ? say(`Paused; ${waiting.length} new wait.`, "")
    : say("Live: new events appear at the top.", "on"));
  const show = (text) => {
    const holder = document.createElement("template");
    holder.innerHTML = text; // rendered and escaped by the server's own template
    const row = holder.content.querySelector("tr");
    if (!row) return;
    localise(row);
    row.classList.add("fresh");
    rows.prepend(row);
    while (rows.rows.length > MOST_ROWS) rows.lastElementChild.remove();
  };
  const address = new URLSearchParams({ q: box.dataset.query, after: box.dataset.after });
  const source = new EventSource(`/tail/stream?${address}`);
  source.onopen = live;
  source.onerror = () => (source.readyState === EventSource.CLOSED
    ? say("Stopped: the server does not answer, or you are signed out. Reload to go on.", "off")
    : say("The connection is lost; trying again …", "off"));
  source.addEventListener("row", ({ data }) => {
    if (!paused) return show(data);
    waiting.push(data);
    if (waiting.length > MOST_ROWS) waiting.shift();
    live();
  });
  source.addEventListener("gap", ({ data }) => say(
    `Live; ${data} events that came in between are not shown here. The search finds them.`, "on"));
  source.addEventListener("problem", ({ data }) => {
    source.close();
    say(`Stopped: ${data}. Reload to go on.`, "off");
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) waiting.splice(0).forEach(show);
    live();
  });
}

function suggestions() {
  const box = document.querySelector("input#q[list]");
  if (!box) return;
  let waiting = 0, asked = 0;
  const ask = async () => {
    const text = box.value, caret = box.selectionEnd ?? text.length, mine = ++asked;
    const answer = await fetch(`/search/complete?${new URLSearchParams({ q: text, caret })}`).catch(() => null);
    if (!answer?.ok || mine !== asked) return;
    const { start, end, items } = await answer.json();
    box.list.replaceChildren(...items.map((one) => Object.assign(document.createElement("option"), {
      value: text.slice(0, start) + one.text + text.slice(end), label: one.text,
    })));
  };
  box.addEventListener("input", (event) => {
    clearTimeout(waiting);
    // What was chosen from the list comes as a replacement and asks for no list of its own.
    if (event.inputType !== "insertReplacementText") waiting = setTimeout(ask, 150);
  });
}

localise(document);
suggestions();
document.addEventListener("keydown", onKey);
themes();
footer();
document.querySelector(".top [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
tail();
if (matchMedia("(max-width: 1000px)").matches) {
  for (const facet of document.querySelectorAll(".facet")) facet.open = false; // results come first
}
if (location.hash === "#q") document.getElementById("q")?.focus();
