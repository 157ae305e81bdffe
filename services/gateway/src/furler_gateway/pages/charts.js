// Bars and lines as SVG. Numbers and names go in as attributes and text, never as markup.
"use strict";

const Charts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 46, BOTTOM = 18, TOP = 6;

  function make(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function swatch(index) {
    return make("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, make("rect", { width: 10, height: 10, rx: 2, class: "f" + index }));
  }

  // The end of an axis that has a tick at its half: round numbers both, and whole ones where things are counted.
  function ceiling(value, isWhole) {
    const least = isWhole ? Math.max(2, value) : value;
    if (!(least > 0)) return 1;
    const unit = 10 ** Math.floor(Math.log10(least));
    const steps = isWhole && unit === 1 ? [2, 4, 6, 8, 10] : [1, 2, 3, 4, 6, 8, 10];
    return steps.map((step) => step * unit).find((step) => step >= least * 0.999);
  }

  function clock(seconds, isExact = false) {
    const exact = isExact ? { second: "2-digit" } : {};
    return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...exact, hourCycle: "h23" });
  }

  function frame(host, times, most, format) {
    const width = Math.max(200, host.clientWidth), height = Math.max(100, host.clientHeight);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const area = { left: LEFT, top: TOP, width: width - LEFT - 2, height: height - TOP - BOTTOM };
    for (let step = 0; step <= 2; step++) {
      const y = area.top + area.height * (1 - step / 2);
      svg.append(make("line", { x1: area.left, x2: area.left + area.width, y1: y, y2: y, class: step ? "grid" : "base" }));
      svg.append(make("text", { x: area.left - 6, y: y + 4, "text-anchor": "end" }, format((most * step) / 2)));
    }
    const ticks = width < 420 ? 3 : 5;
    for (let tick = 0; tick < ticks; tick++) {
      const at = Math.round((tick * (times.length - 1)) / (ticks - 1));
      const x = area.left + ((at + 0.5) * area.width) / times.length;
      const anchor = tick === 0 ? "start" : tick === ticks - 1 ? "end" : "middle";
      svg.append(make("text", { x, y: height - 3, "text-anchor": anchor }, clock(times[at])));
    }
    return { svg, area };
  }

  // One column per bucket that shows its figures when it is pointed at.
  function columns(host, svg, area, data, told) {
    const step = area.width / data.times.length;
    const box = document.getElementById("tip");
    data.times.forEach((time, at) => {
      const column = make("rect", { x: area.left + at * step, y: area.top, width: step, height: area.height, class: "hover" });
      const show = (event) => tip(box, event, clock(time, data.width < 60), told(at));
      column.addEventListener("pointermove", show);
      column.addEventListener("pointerdown", show);
      svg.append(column);
    });
    // On the host: a column that is drawn anew is never left.
    host.onpointerleave = () => { box.hidden = true; };
  }

  function tip(box, event, head, lines) {
    const title = document.createElement("b");
    title.textContent = head;
    box.replaceChildren(title, ...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    box.hidden = false;
    const left = event.clientX + 14 + box.offsetWidth > innerWidth ? event.clientX - 14 - box.offsetWidth : event.clientX + 14;
    box.style.left = Math.max(4, left) + "px";
    box.style.top = Math.min(event.clientY + 12, innerHeight - box.offsetHeight - 4) + "px";
  }

  function told(series, format) {
    return (at) => {
      const lines = series.filter((each) => each.values[at]).map((each) => `${each.name}: ${format(each.values[at])}`);
      return lines.length ? lines : ["nothing"];
    };
  }

  function legend(id, series) {
    document.getElementById(id).replaceChildren(...series.map((each) => {
      const item = document.createElement("li");
      item.append(swatch(each.color), Object.assign(document.createElement("span"), { textContent: each.name }));
      return item;
    }));
  }

  // What a chart says to those who do not see it.
  function spoken(label, series, format) {
    const last = (values) => values.findLast((value) => value !== null) ?? null;
    const parts = series.map((each) => {
      const known = each.values.filter((value) => value !== null);
      return known.length ? `${each.name} ${format(last(each.values))}, at most ${format(Math.max(...known))}` : `${each.name} unknown`;
    });
    return `${label} over time, last: ${parts.join("; ") || "nothing"}`;
  }

  function bars(id, data, series, format, label) {
    const host = document.getElementById(id), times = data.times;
    const sums = times.map((_, at) => series.reduce((sum, each) => sum + Math.max(0, each.values[at] || 0), 0));
    const most = ceiling(Math.max(0, ...sums), true);
    const { svg, area } = frame(host, times, most, format);
    svg.setAttribute("aria-label", spoken(label, series, format));
    const step = area.width / times.length, gap = step > 5 ? 1 : 0.4;
    times.forEach((_, at) => {
      let y = area.top + area.height;
      for (const each of series) {
        const height = (Math.max(0, each.values[at] || 0) / most) * area.height;
        if (!height) continue;
        y -= height;
        svg.append(make("rect", { x: area.left + at * step + gap / 2, y, width: Math.max(0.5, step - gap), height, class: "f" + each.color }));
      }
    });
    columns(host, svg, area, data, told(series, format));
    host.replaceChildren(svg);
    legend(id + "-legend", series);
  }

  function lines(id, data, series, format, label, isWhole = false) {
    const host = document.getElementById(id), times = data.times;
    const most = ceiling(Math.max(0, ...series.flatMap((each) => each.values.map((value) => value || 0))), isWhole);
    const { svg, area } = frame(host, times, most, format);
    svg.setAttribute("aria-label", spoken(label, series, format));
    const step = area.width / times.length;
    for (const each of series) {
      let path = "", open = false;
      each.values.forEach((value, at) => {
        if (value === null) { open = false; return; }
        const x = (area.left + (at + 0.5) * step).toFixed(1), y = (area.top + area.height * (1 - value / most)).toFixed(1);
        path += open ? `L${x} ${y}` : `M${x} ${y}`;
        if (!open && (each.values[at + 1] ?? null) === null) svg.append(make("circle", { cx: x, cy: y, r: 2.5, class: "f" + each.color }));
        open = true;
      });
      if (path) svg.append(make("path", { d: path, class: "s" + each.color }));
    }
    columns(host, svg, area, data, told(series, format));
    host.replaceChildren(svg);
    legend(id + "-legend", series);
  }

  return { bars, lines, swatch };
})();
