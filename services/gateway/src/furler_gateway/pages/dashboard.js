// Asks for the figures every few seconds and draws them. Names go in as text, never as markup.
"use strict";

const POLL_MS = 5000;
const SPACE = "\u00a0"; // between a number and its unit
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en");
let shown = null, timer = 0, asking = null, answeredAt = null;

const count = (value) => (value < 10000 ? whole.format(value) : compact.format(value));
const share = (part, all) => (all > 0 ? (100 * part) / all : 0);
const seconds = (value) => (value === null ? "–" : value < 1 ? `${+(value * 1000).toPrecision(3)}${SPACE}ms` : `${+value.toPrecision(3)}${SPACE}s`);
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const byId = (id) => document.getElementById(id);
const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function percent(value) {
  const number = value > 0 && value < 0.1 ? "<0.1" : value >= 99.95 && value < 100 ? "99.9" : value.toFixed(value > 0 && value < 10 ? 1 : 0);
  return number + SPACE + "%";
}

// Amounts below each other have as many digits as their sum needs.
function amount(value) {
  const sum = shown.totals.money, digits = sum >= 1000 ? 0 : sum >= 1 || sum === 0 ? 2 : 4;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function card(title, value, note, bad = false) {
  return make("div", { className: bad ? "card bad" : "card" }, make("h2", {}, title), make("p", {}, value), make("small", {}, note));
}

function cards(data) {
  const all = data.totals, saved = all.before - all.after;
  const provider = data.provider, input = (provider.fresh || 0) + (provider.read || 0) + (provider.written || 0);
  const list = [
    card("Tokens saved", count(saved), all.again ? `and ${count(all.again)} again in later turns` : "by views sent for the first time"),
    card("Share saved", percent(share(saved, all.before)), `${count(all.before)} → ${count(all.after)} tokens of views`),
  ];
  if (data.prices) {
    const unpriced = data.by.model.filter((each) => each.money === null).length;
    const note = unpriced ? `${count(unpriced)} ${unpriced > 1 ? "models have" : "model has"} no price` : `prices of ${data.prices.as_of}`;
    list.push(card(`Money saved, ${data.prices.currency}`, amount(all.money), note));
  }
  const rate = all.views ? `${whole.format(Math.round((1000 * all.retrievals) / all.views) / 10)} per 100 views` : "of views made before";
  const retrieved = all.retrievals ? `${rate}, ${count(all.misses)} not held` : "nothing was asked back";
  list.push(
    card("Requests", count(all.requests), `${count(all.errors)} failed`, share(all.errors, all.requests) >= 1),
    card("Latency, p95", seconds(all.p95), `p50 ${seconds(all.p50)}`),
    card("Degraded", percent(share(all.degraded, all.views + all.whole)), `${count(all.degraded)} sent in full for trouble`, all.degraded > 0),
    card("Retrieved", count(all.retrievals), retrieved, all.misses > 0),
  );
  if (input) list.push(card("Provider’s cache", percent(share(provider.read || 0, input)), "of input tokens read from it"));
  if (all.audited.views) {
    const would = all.audited.before - all.audited.after;
    list.push(card("In audit", count(would), `tokens would be saved, ${percent(share(would, all.audited.before))}`));
  }
  // Rows of equal length, or one more in the first.
  byId("cards").style.setProperty("--columns", list.length > 6 ? Math.ceil(list.length / 2) : list.length);
  byId("cards").replaceChildren(...list);
}

function row(cells, classes) {
  return make("tr", {}, ...cells.map((cell, at) => {
    const head = at === 0;
    return make(head ? "th" : "td", head ? { scope: "row", className: "name" } : { className: classes[at] || "n" }, cell);
  }));
}

function table(id, heads, rows, empty) {
  const head = make("tr", {}, ...heads.map((name, at) => make("th", { scope: "col", className: at ? "n" : "" }, name)));
  const body = rows.length ? rows : [make("tr", {}, make("td", { className: "none", colSpan: heads.length }, empty))];
  byId(id).replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
}

function savings(data) {
  const dimension = chosen("dimension");
  const series = data.saved[dimension].map((each, at) => ({ ...each, color: each.name === "other" ? 6 : at }));
  Charts.bars("saved", data, series, count, `Tokens saved by ${dimension}`);
  const colors = Object.fromEntries(series.map((each) => [each.name, each.color]));
  const heads = [dimension, "saved", "views", "tokens before", "after", "saved again"];
  if (data.prices) heads.push(data.prices.currency);
  const rows = data.by[dimension].map((each) => {
    const part = share(each.before - each.after, each.before);
    const meter = make("meter", { min: 0, max: 100, value: part });
    meter.setAttribute("aria-hidden", "true"); // the number stands beside it
    const cells = [
      make("span", {}, Charts.swatch(colors[each.name] ?? 6), make("span", {}, each.name)), make("span", {}, meter, percent(part)), whole.format(each.views),
      whole.format(each.before), whole.format(each.after), whole.format(each.again),
    ];
    if (data.prices) cells.push(each.money === null ? "no price" : amount(each.money));
    return row(cells, []);
  });
  table("by", heads, rows, "Nothing was compressed in this window.");
}

function rates(data) {
  const line = data.line;
  Charts.lines("latency", data, [{ name: "p95", color: 1, values: line.p95 }, { name: "p50", color: 0, values: line.p50 }], seconds, "Latency");
  const answered = line.requests.map((all, at) => all - line.errors[at]);
  Charts.bars("requests", data, [{ name: "answered", color: 0, values: answered }, { name: "failed", color: 3, values: line.errors }], count, "Requests");
  // The present is not over: a line would fall to it. Before the start there was nobody to count.
  const past = (values) => values.map((value, at) => (at === values.length - 1 || data.times[at] + data.width <= data.started ? null : value));
  Charts.lines("views", data, [
    { name: "degraded", color: 3, values: past(line.degraded) }, { name: "retrievals", color: 1, values: past(line.retrievals) },
    { name: "sent again", color: 2, values: past(line.repeats) }, { name: "views", color: 0, values: past(line.views) },
  ], count, "Views, views sent again, retrievals and degraded answers", true);
}

function caches(data) {
  const all = data.totals, provider = data.provider;
  const items = [];
  const part = (title) => items.push(make("dt", { className: "part" }, title));
  const add = (name, value) => items.push(make("dt", {}, name), make("dd", {}, value));
  const shares = (rows, sum) => {
    for (const [name, value] of rows) add(name, `${whole.format(value)} (${percent(share(value, sum))})`);
  };
  part("Views");
  const views = [["made", all.views - all.cached], ["from the cache", all.cached], ["sent again in later turns", all.repeats]];
  shares(views, all.views + all.repeats);
  part("Provider’s prompt cache, input tokens");
  const tokens = [["read", provider.read || 0], ["written", provider.written || 0], ["not cached", provider.fresh || 0]];
  const input = tokens.reduce((sum, [, value]) => sum + value, 0);
  if (input) shares(tokens, input);
  else add("usage", "none was told");
  const turns = Object.entries(provider).filter(([name]) => name.startsWith("turns: "));
  if (turns.length) {
    part("Provider’s prompt cache, turns");
    turns.sort(([a, some], [b, others]) => (b === "turns: hit") - (a === "turns: hit") || others - some);
    shares(turns.map(([name, value]) => [name.slice(7).replaceAll("_", " "), value]), turns.reduce((sum, [, value]) => sum + value, 0));
  }
  part("Policy, calls");
  add("revision", data.policy.revision);
  const modes = ["apply", "audit", "bypass"].map((mode) => [mode, data.modes[mode] || 0]);
  shares(modes.filter(([, value]) => value), modes.reduce((sum, [, value]) => sum + value, 0));
  byId("caches").replaceChildren(...items);
}

function routes(data) {
  const rows = data.routes.map((each) => row(
    [each.route === "none" ? "paths that do not exist" : each.route, whole.format(each.requests), whole.format(each.errors), seconds(each.p50), seconds(each.p95)],
    ["", "n", each.errors ? "n bad" : "n"]));
  table("routes", ["route", "requests", "failed", "p50", "p95"], rows, "No requests in this window.");
}

// A screen reader says what changes, so the time stands beside what it says.
function tell(answers, notes) {
  const alert = byId("alert"), text = notes.join(" "), word = answers ? "live" : "stale";
  if (alert.textContent !== text) alert.textContent = text;
  alert.hidden = !text;
  if (byId("answers").textContent !== word) byId("answers").textContent = word;
  byId("at").textContent = answeredAt ? clock(answeredAt) : "";
  document.body.className = byId("state").className = answers ? "live" : "lost";
}

function state(data) {
  const notes = [];
  if (data.policy.kill_switch) notes.push("The kill switch is on: nothing is compressed.");
  if (data.policy.stale) notes.push(`The policy file cannot be used; revision ${data.policy.revision} stays in force.`);
  answeredAt = new Date();
  tell(true, notes);
  const started = byId("started"), since = new Date(data.started * 1000);
  started.dateTime = since.toISOString();
  started.textContent = since.toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  byId("prices").textContent = data.prices
    ? `Money is at the table’s prices of ${data.prices.as_of}: views sent for the first time at the price of input, those of later turns at that of cached input.`
    : "No price table is configured, so no money is shown.";
}

function lost(error) {
  const since = answeredAt ? `These figures are of ${clock(answeredAt)}.` : "There are no figures yet.";
  tell(false, [`The gateway does not answer (${error.message}). ${since}`]);
}

function draw() {
  if (!shown) return;
  cards(shown);
  savings(shown);
  rates(shown);
  caches(shown);
  routes(shown);
}

async function poll() {
  clearTimeout(timer);
  // The answer to an earlier question would be of another window.
  if (asking) asking.abort();
  const mine = (asking = new AbortController());
  try {
    const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(4 * POLL_MS)]);
    const answer = await fetch(`/dashboard/data?window=${chosen("window")}`, { signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    shown = await answer.json();
    state(shown);
    draw();
  } catch (error) {
    if (mine.signal.aborted) return;
    lost(error);
  }
  if (!document.hidden) timer = setTimeout(poll, POLL_MS);
}

byId("window").addEventListener("change", poll);
byId("dimension").addEventListener("change", draw);
// A page that nobody looks at asks for nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : poll()));
new ResizeObserver(draw).observe(document.querySelector("main"));
poll();
