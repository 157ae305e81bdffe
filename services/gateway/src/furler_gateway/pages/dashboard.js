// Asks for the figures every few seconds and draws them. Names go in as text, never as markup.
"use strict";

const POLL_MS = 5000;
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en");
let shown = null, timer = 0;

const count = (value) => (value < 10000 ? whole.format(value) : compact.format(value));
const share = (part, all) => (all > 0 ? (100 * part) / all : 0);
const percent = (value) => (value >= 99.95 && value < 100 ? "99.9" : value.toFixed(value > 0 && value < 10 ? 1 : 0)) + " %";
const seconds = (value) => (value === null ? "–" : value < 1 ? `${+(value * 1000).toPrecision(3)} ms` : `${+value.toPrecision(3)} s`);
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const byId = (id) => document.getElementById(id);

function money(value) {
  const digits = value >= 100 ? 0 : value >= 0.01 || value === 0 ? 2 : 4;
  return `${value.toFixed(digits)} ${shown.prices.currency}`;
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function card(title, value, note, bad = false) {
  return make("div", { className: bad ? "card bad" : "card" }, make("h3", {}, title), make("p", {}, value), make("small", {}, note));
}

function cards(data) {
  const all = data.totals, saved = all.before - all.after;
  const provider = data.provider, input = (provider.fresh || 0) + (provider.read || 0) + (provider.written || 0);
  const list = [
    card("Tokens saved", count(saved), all.again ? `and ${count(all.again)} again in later turns` : "by views sent for the first time"),
    card("Share saved", percent(share(saved, all.before)), `${count(all.before)} → ${count(all.after)} tokens`),
  ];
  if (data.prices) list.push(card("Money saved", money(all.money), `prices of ${data.prices.as_of}`));
  list.push(
    card("Requests", count(all.requests), `${count(all.errors)} failed`, share(all.errors, all.requests) >= 1),
    card("Latency, p95", seconds(all.p95), `p50 ${seconds(all.p50)}`),
    card("Degraded", percent(share(all.degraded, all.views + all.degraded)), `${count(all.degraded)} sent in full for trouble`, all.degraded > 0),
    card("Retrieved", percent(share(all.retrievals, all.views)), `${count(all.retrievals)} asked back, ${count(all.misses)} not held`, all.misses > 0),
  );
  if (input) list.push(card("Provider cache", percent(share(provider.read || 0, input)), "of input tokens read from it"));
  if (all.audited.views) {
    list.push(card("In audit", count(all.audited.before - all.audited.after), `tokens would be saved: ${percent(share(all.audited.before - all.audited.after, all.audited.before))}`));
  }
  byId("cards").replaceChildren(...list);
}

function row(cells, classes) {
  return make("tr", {}, ...cells.map((cell, at) => make("td", { className: classes[at] || "" }, cell)));
}

function table(id, heads, rows, empty) {
  const head = make("tr", {}, ...heads.map(([name, numeric]) => make("th", { scope: "col", className: numeric ? "n" : "" }, name)));
  const body = rows.length ? rows : [make("tr", {}, make("td", { className: "none", colSpan: heads.length }, empty))];
  byId(id).replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
}

function savings(data) {
  const dimension = chosen("dimension");
  const series = data.saved[dimension].map((each, at) => ({ ...each, color: each.name === "other" ? 6 : at }));
  Charts.bars("saved", data.times, series, count, `Tokens saved by ${dimension} over time`);
  const colors = Object.fromEntries(series.map((each) => [each.name, each.color]));
  const heads = [[dimension], ["views", 1], ["before", 1], ["after", 1], ["saved", 1], [""], ["again in later turns", 1]];
  if (data.prices) heads.push(["money", 1]);
  const rows = data.by[dimension].map((each) => {
    const part = share(each.before - each.after, each.before);
    const cells = [
      make("span", { title: each.name }, Charts.swatch(colors[each.name] ?? 6), each.name), whole.format(each.views), whole.format(each.before),
      whole.format(each.after), percent(part), make("meter", { min: 0, max: 100, value: part, title: percent(part) }), whole.format(each.again),
    ];
    if (data.prices) cells.push(money(each.money));
    return row(cells, ["name", "n", "n", "n", "n", "", "n", "n"]);
  });
  table("by", heads, rows, "Nothing was compressed in this window.");
}

function rates(data) {
  const line = data.line;
  Charts.lines("latency", data.times, [{ name: "p95", color: 1, values: line.p95 }, { name: "p50", color: 0, values: line.p50 }], seconds, "Latency over time");
  const answered = line.requests.map((all, at) => all - line.errors[at]);
  Charts.bars("requests", data.times, [{ name: "answered", color: 0, values: answered }, { name: "failed", color: 3, values: line.errors }], count, "Requests over time");
  // The present is not over: a line would fall to it.
  const past = (values) => values.map((value, at) => (at === values.length - 1 ? null : value));
  Charts.lines("views", data.times, [
    { name: "degraded", color: 3, values: past(line.degraded) }, { name: "retrievals", color: 1, values: past(line.retrievals) },
    { name: "from the cache", color: 2, values: past(line.cached) }, { name: "views", color: 0, values: past(line.views) },
  ], count, "Views, cache hits, retrievals and degraded answers over time");
}

function caches(data) {
  const all = data.totals, provider = data.provider;
  const items = [];
  const part = (title) => items.push(make("dt", { className: "part" }, title));
  const add = (name, value) => items.push(make("dt", {}, name), make("dd", {}, value));
  part("Views");
  add("from the cache", `${whole.format(all.cached)} of ${whole.format(all.views)} (${percent(share(all.cached, all.views))})`);
  part("Provider's prompt cache");
  const input = (provider.fresh || 0) + (provider.read || 0) + (provider.written || 0);
  if (!input) add("usage", "none was told");
  for (const [name, title] of [["read", "read"], ["written", "written"], ["fresh", "not cached"]]) {
    if (input) add(title, `${whole.format(provider[name] || 0)} tokens (${percent(share(provider[name] || 0, input))})`);
  }
  for (const [name, value] of Object.entries(provider)) if (name.startsWith("turns: ")) add(name.replaceAll("_", " "), whole.format(value));
  part("Policy");
  add("revision", data.policy.revision);
  for (const mode of ["apply", "audit", "bypass"]) if (data.modes[mode]) add(mode, `${whole.format(data.modes[mode])} calls`);
  byId("caches").replaceChildren(...items);
}

function routes(data) {
  const rows = data.routes.map((each) => row(
    [each.route === "none" ? "paths there are not" : each.route, whole.format(each.requests), whole.format(each.errors), seconds(each.p50), seconds(each.p95)],
    ["name", "n", each.errors ? "n bad" : "n", "n", "n"]));
  table("routes", [["route"], ["requests", 1], ["failed", 1], ["p50", 1], ["p95", 1]], rows, "No requests in this window.");
}

function state(data) {
  const alert = byId("alert"), notes = [];
  if (data.policy.kill_switch) notes.push("The kill switch is on: nothing is compressed.");
  if (data.policy.stale) notes.push(`The policy file cannot be used; revision ${data.policy.revision} stays in force.`);
  alert.textContent = notes.join(" ");
  alert.hidden = !notes.length;
  byId("state").textContent = `live, ${new Date().toLocaleTimeString([], { hourCycle: "h23" })}`;
  byId("state").className = "live";
  const started = byId("started"), since = new Date(data.started * 1000);
  started.dateTime = since.toISOString();
  started.textContent = since.toLocaleString();
  byId("prices").textContent = data.prices
    ? `Money is at the table's prices of ${data.prices.as_of}: views sent for the first time at the price of input, those of later turns at that of cached input.`
    : "No price table is configured, so no money is shown.";
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
  try {
    const answer = await fetch(`/dashboard/data?window=${chosen("window")}`, { signal: AbortSignal.timeout(4 * POLL_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    shown = await answer.json();
    state(shown);
    draw();
  } catch (error) {
    byId("state").textContent = `the gateway does not answer (${error.message})`;
    byId("state").className = "lost";
  }
  timer = setTimeout(poll, POLL_MS);
}

byId("window").addEventListener("change", poll);
byId("dimension").addEventListener("change", draw);
// A page that nobody looks at asks for nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : poll()));
new ResizeObserver(draw).observe(document.querySelector("main"));
poll();
