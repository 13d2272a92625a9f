"use strict";
// Draws the timeline of one run date when a cell of the grid is chosen. All text goes in as text, never as markup.
// Times in the data are minutes since midnight UTC of the run date. Instead of one stands null for a processor that is
// missing, "" for one that is not owed on the date, "done" or "unknown" where no time is known.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const RIGHT = 20, ROW = 20, HOUR = 60, LETTER = 6.4;

  const make = (name, attributes, text, children = []) => {
    const node = document.createElementNS(name in HTML ? "http://www.w3.org/1999/xhtml" : SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    node.append(...children);
    return node;
  };
  const HTML = {h3: 1, p: 1, ul: 1, li: 1, table: 1, thead: 1, tbody: 1, tr: 1, th: 1, td: 1, button: 1, div: 1};

  const midnight = (date) => Date.parse(date + "T00:00:00Z") / 60000;
  const clock = (zone) => new Intl.DateTimeFormat("en-GB", {timeZone: zone, hour: "2-digit", minute: "2-digit"});
  const said = (zone) => new Intl.DateTimeFormat("en-GB",
    {timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});
  const at = (format, minute) => format.format(new Date(minute * 60000));

  function rowsOf(pipeline, column, chosen) {
    const start = midnight(pipeline.dates[column]), rows = [];
    pipeline.phases.forEach((phase, index) => {
      const cell = pipeline.cells[index][column];
      if (!cell) return;
      const [state, due, begins, done, typical] = cell;
      const owed = (done || []).map((minute, n) => ({name: phase.p[n], critical: phase.c[n], minute}))
        .filter((one) => one.minute !== "");
      const shift = (minute) => typeof minute === "number" ? start + minute : null;
      const times = owed.map((one) => shift(one.minute)).filter((minute) => minute !== null);
      rows.push({phase: phase.n, state, due: shift(due), begins: shift(begins), times, owed: owed.length,
        typical: typical ? typical.map((minute) => start + minute) : null, lead: true, chosen: index === chosen});
      if (index === chosen) for (const one of owed) {
        rows.push({name: one.name, critical: one.critical, due: shift(due), minute: shift(one.minute),
          word: typeof one.minute === "string" ? one.minute : data.now < shift(due) ? "not yet" : "missing"});
      }
    });
    return rows;
  }

  function span(rows, now) {
    const known = rows.flatMap((row) => [row.due, row.begins, row.minute, ...(row.times || [])]).filter((t) => t != null);
    if (!known.length) return null;
    let first = Math.min(...known), last = Math.max(...known);
    const stillOpen = rows.some((row) => row.minute === null && !row.lead);
    if (stillOpen) last = Math.max(last, Math.min(now, last + 12 * HOUR));
    const pad = Math.max(30, (last - first) * .04);
    return [first - pad, last + pad];
  }

  function draw(pipeline, column, chosen, room) {
    const WIDTH = Math.max(320, Math.min(1100, room)), LEFT = WIDTH < 600 ? 130 : 250;
    const rows = rowsOf(pipeline, column, chosen), edges = span(rows, data.now);
    if (!edges) return make("p", {class: "quiet"}, "Nothing was owed or recorded.");
    const [first, last] = edges, scale = (WIDTH - LEFT - RIGHT) / (last - first);
    const x = (minute) => (LEFT + (minute - first) * scale).toFixed(1);
    const shown = data.events.filter((event) => event.t >= first && event.t <= last);
    const top = 24, lane = shown.length ? ROW : 0, height = top + lane + rows.length * ROW + 8;
    const local = clock(pipeline.zone), svg = make("svg", {viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, role: "img",
      "aria-label": `Completions of ${pipeline.dates[column]}; the table below says the same`});
    const step = [30, 60, 120, 180, 360, 720, 1440].find((minutes) => (last - first) / minutes <= WIDTH / 95) || 2880;
    for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) {
      svg.append(make("line", {class: "axis", x1: x(tick), x2: x(tick), y1: top - 4, y2: height}),
        make("text", {class: "soft", x: x(tick), y: 12, "text-anchor": "middle"}, at(local, tick)));
    }
    for (const event of shown) {
      const place = x(event.t), y = top + ROW / 2;
      const shape = event.k === "deployment" ? `${place},${y - 6} ${+place + 6},${y + 5} ${place - 6},${y + 5}`
        : `${place},${y - 6} ${+place + 6},${y} ${place},${y + 6} ${place - 6},${y}`;
      svg.append(make("polygon", {class: event.k, points: shape}, undefined, [make("title", {}, event.x)]));
    }
    if (lane) svg.append(make("text", {x: 0, y: top + 14, class: "soft"}, LEFT < 200 ? "events" : "failures, deployments"));
    if (data.now > first && data.now < last) {
      svg.append(make("line", {class: "now", x1: x(data.now), x2: x(data.now), y1: top - 4, y2: height}));
    }
    const fits = Math.floor((LEFT - 24) / LETTER);
    rows.forEach((row, number) => {
      const y = top + lane + number * ROW, middle = y + ROW / 2;
      const label = row.lead ? `${row.phase}: ${data.words[row.state]}` : `${row.name}${row.critical ? "" : " (optional)"}`;
      svg.append(make("text", {x: row.lead ? 0 : 14, y: middle + 4, "font-weight": row.lead ? 600 : 400,
        class: row.lead ? "" : "soft"}, label.length > fits ? label.slice(0, fits - 1) + "…" : label,
        [make("title", {}, label)]));
      const mark = (kind, minute) => minute != null && svg.append(
        make("line", {class: kind, x1: x(minute), x2: x(minute), y1: y + 1, y2: y + ROW - 1}));
      mark("due", row.due);
      if (row.typical) row.typical.forEach((minute) => mark("typical", minute));
      if (row.lead) {
        if (row.times.length) {
          const from = Math.min(...row.times), to = Math.max(...row.times);
          svg.append(make("rect", {class: "bar", x: x(from), y: middle - 3, height: 6, width: Math.max(2, (to - from) * scale)}));
        }
        for (const minute of row.times) dot(svg, x(minute), middle, row.due !== null && minute > row.due);
      } else if (row.minute === null) {
        const place = x(row.due ?? first);
        svg.append(make("circle", {class: row.word.replace(" ", "-"), cx: place, cy: middle, r: 5}, undefined,
          [make("title", {}, `${row.name}: ${row.word}`)]));
      } else dot(svg, x(row.minute), middle, row.due !== null && row.minute > row.due,
        `${row.name}: ${at(local, row.minute)}`);
    });
    return svg;
  }

  function dot(svg, x, y, late, title) {
    svg.append(make("circle", {class: late ? "late" : "done", cx: x, cy: y, r: 4}, undefined,
      title ? [make("title", {}, title)] : []));
  }

  function table(pipeline, column, chosen) {
    const local = said(pipeline.zone), universal = clock("UTC");
    const cells = (values, kind = "td") => values.map((value) => make(kind, kind === "th" ? {scope: "col"} : {}, value));
    const body = rowsOf(pipeline, column, chosen).filter((row) => !row.lead).map((row) => make("tr", {}, undefined, cells([
      row.name, row.critical ? "critical" : "optional",
      row.minute === null ? row.word : `${at(local, row.minute)} (${at(universal, row.minute)} UTC)`,
      row.minute === null || row.due === null ? "" : row.minute > row.due
        ? `${Math.round(row.minute - row.due)} min late` : "in time"])));
    return make("table", {}, undefined, [make("thead", {}, undefined, [make("tr", {}, undefined,
      cells(["processor", "class", "completed", "against its due time"], "th"))]), make("tbody", {}, undefined, body)]);
  }

  function choose(link, focus) {
    const box = link.closest(".pipeline"), pipeline = data.pipelines[+box.dataset.pipeline];
    const [row, column] = link.dataset.c.split(",").map(Number), panel = box.querySelector(".detail");
    for (const other of box.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    const cell = pipeline.cells[row][column], name = pipeline.phases[row].n;
    const due = cell[1] === null ? "nothing is owed"
      : `due ${at(said(pipeline.zone), midnight(pipeline.dates[column]) + cell[1])} ${pipeline.zone}`;
    const legend = ["● completed in time or late", "○ missing", "┆ due", "┊ usual time", "◆ failure", "▲ deployment"];
    const parts = [make("h3", {}, `${name} of ${pipeline.dates[column]}: ${data.words[cell[0]]}, ${due}`),
      draw(pipeline, column, row, box.clientWidth - 30),
      make("ul", {class: "legend"}, undefined, legend.map((text) => make("li", {}, text)))];
    if (cell[3] && cell[3].length) parts.push(make("div", {class: "scroll"}, undefined, [table(pipeline, column, row)]));
    if (cell[5]) parts.push(make("p", {class: "quiet"}, "flags: " + cell[5].join(", ")));
    panel.replaceChildren(...parts);
    if (focus) panel.focus({preventScroll: true});
    if (focus) panel.scrollIntoView({block: "nearest"});
  }

  const moves = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
  for (const grid of document.querySelectorAll(".grid")) {
    const links = new Map([...grid.querySelectorAll("a[data-c]")].map((link) => [link.dataset.c, link]));
    grid.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-c]");
      if (!link) return;
      event.preventDefault();
      choose(link, true);
    });
    grid.addEventListener("keydown", (event) => {
      const link = event.target.closest("a[data-c]"), move = moves[event.key];
      if (!link || !move) return;
      const [row, column] = link.dataset.c.split(",").map(Number);
      const next = links.get([row + move[0], column + move[1]].join(","));
      if (next) { next.focus(); event.preventDefault(); }
    });
    grid.closest(".pipeline").querySelector(".detail").addEventListener("keydown", (event) => {
      if (event.key === "Escape") grid.querySelector("[aria-current]")?.focus();
    });
    const first = grid.querySelector(".s.failed, .s.stalled, .s.incomplete") || [...links.values()].pop();
    // A task of its own, so that the page can answer between its layout and the drawing.
    if (first) setTimeout(() => choose(first, false));
  }
})();
