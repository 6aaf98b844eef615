// What the page gains with script: the reader's zone, the keyboard, a theme, and the live tail.

const zone = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.title = time.dateTime;
      time.textContent = zone.format(moment);
    }
  }
}

function choose(rows, next) {
  rows.forEach((row) => row.classList.remove("chosen"));
  rows[next].classList.add("chosen");
  rows[next].querySelector("a")?.focus();
}

function move(step) {
  const rows = [...document.querySelectorAll(".rows tbody tr")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("chosen"));
  choose(rows, Math.min(rows.length - 1, Math.max(0, now + step)));
}

const places = { o: "/", s: "/search", l: "/tail", e: "/sessions", r: "/requests", a: "/alerts" };
let going = false;

function onKey(event) {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (going && places[event.key]) {
    location.assign(places[event.key]);
    return;
  }
  going = event.key === "g";
  if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("q");
    box ? box.focus() : location.assign("/search");
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") document.getElementById("help")?.showModal();
  else if (event.key === "p") document.getElementById("pause")?.click();
}

function themes() {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const now = () => root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const label = () => { button.textContent = now() === "dark" ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  label();
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
    label();
  });
}

function help() {
  const button = document.getElementById("keys");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById("help").showModal());
}

function tail() {
  const box = document.getElementById("tail");
  if (!box) return;
  const rows = document.querySelector("#tail-rows tbody");
  const state = document.getElementById("tail-state");
  const pause = document.getElementById("pause");
  const waiting = [];
  let paused = false;
  const show = (text) => {
    const holder = document.createElement("tbody");
    holder.innerHTML = text; // rendered and escaped by the server's own template
    localise(holder);
    const row = holder.querySelector("tr");
    if (!row) return;
    row.classList.add("fresh");
    rows.prepend(row);
    while (rows.rows.length > 300) rows.lastElementChild.remove();
  };
  const source = new EventSource(`/tail/stream?q=${encodeURIComponent(box.dataset.query)}`);
  source.onopen = () => { if (!paused) state.textContent = "Live: new events appear at the top."; };
  source.onerror = () => { state.textContent = "The connection is lost; trying again …"; };
  source.addEventListener("row", (event) => (paused ? waiting.push(event.data) : show(event.data)));
  source.addEventListener("problem", (event) => {
    state.textContent = `Stopped: ${event.data}. Reload to go on.`;
    source.close();
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    state.textContent = paused ? "Paused; what comes is kept until you go on." : "Live: new events appear at the top.";
    if (!paused) waiting.splice(0).forEach(show);
  });
}

localise(document);
document.addEventListener("keydown", onKey);
themes();
help();
tail();
