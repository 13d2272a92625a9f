"use strict";
// Draws the timeline of one run date when a cell of the grid is chosen. All text goes in as text, never as markup.
// Times in the data are minutes since midnight UTC of the run date. Instead of one stands null for a processor that is
// missing, "" for one that is not owed on the date, "done" or "unknown" where no time is known. A pipeline's "offsets"
// say from which minute since 1970 on its zone is how many minutes ahead of UTC. Marks that differ only in their place
// are one path: a browser's work grows with the number of elements.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const RIGHT = 20, ROW = 20, HOUR = 60, LETTER = 6.6;

  const make = (name, attributes, text, children = []) => {
    const node = name in HTML ? document.createElement(name) : document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    node.append(...children);
    return node;
  };
  const HTML = {h3: 1, p: 1, ul: 1, li: 1, table: 1, thead: 1, tbody: 1, tr: 1, th: 1, td: 1, div: 1};

  const midnight = (date) => Date.parse(date + "T00:00:00Z") / 60000;
  // Not by Intl: the first format that it makes keeps a page from answering for twenty milliseconds.
  const clock = (minute) => new Date(minute * 60000).toISOString().slice(11, 16);
  const local = (pipeline, minute) => minute + pipeline.offsets.findLast(([from], n) => !n || from <= minute)[1];
  const said = (pipeline, minute) => {
    const text = new Date(local(pipeline, minute) * 60000).toUTCString();
    return `${text.slice(0, 3)} ${+text.slice(5, 7)} ${text.slice(8, 11)}, ${text.slice(17, 22)}`;
  };

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
      rows.push({label: `${phase.n}: ${data.words[state]}`, due: shift(due), begins: shift(begins), times, lead: true,
        typical: typical ? typical.map((minute) => start + minute) : []});
      if (index === chosen) for (const one of owed) {
        rows.push({label: one.name + (one.critical ? "" : " (optional)"), name: one.name, critical: one.critical,
          due: shift(due), minute: shift(one.minute), typical: [],
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

  function draw(pipeline, column, rows, room) {
    const edges = span(rows, data.now);
    if (!edges) return make("p", {class: "quiet"}, "Nothing was owed or recorded.");
    const WIDTH = Math.max(320, Math.min(1100, room)), longest = Math.max(...rows.map((row) => row.label.length));
    const LEFT = Math.ceil(Math.min(Math.max(110, 24 + longest * LETTER), WIDTH * .4));
    const [first, last] = edges, scale = (WIDTH - LEFT - RIGHT) / (last - first);
    const x = (minute) => +(LEFT + (minute - first) * scale).toFixed(1);
    const events = data.events.filter((event) => event.t >= first && event.t <= last);
    const top = 24, lane = events.length ? ROW : 0, height = top + lane + rows.length * ROW + 8;
    const here = (minute) => clock(local(pipeline, minute));
    const lines = {axis: "", due: "", typical: ""}, dots = {done: "", late: ""}, over = [];
    let bars = "", weekday = "";
    const upright = (kind, minute, from, to) => { lines[kind] += `M${x(minute)} ${from}V${to}`; };
    const lateOf = (row, minute) => row.due !== null && minute > row.due ? "late" : "done";

    const step = [30, 60, 120, 180, 360, 720, 1440].find((minutes) => (last - first) / minutes <= WIDTH / 95) || 2880;
    for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) {
      upright("axis", tick, top - 4, height);
      const named = said(pipeline, tick).slice(0, 3);
      const label = named === weekday ? here(tick) : `${named} ${here(tick)}`;
      over.push(make("text", {class: "soft", x: x(tick), y: 12, "text-anchor": "middle"}, label));
      weekday = named;
    }
    for (const event of events) {
      const place = x(event.t), y = top + ROW / 2;
      const shape = event.k === "deployment" ? `${place},${y - 6} ${place + 6},${y + 5} ${place - 6},${y + 5}`
        : `${place},${y - 6} ${place + 6},${y} ${place},${y + 6} ${place - 6},${y}`;
      over.push(make("polygon", {class: event.k, points: shape}, undefined, [make("title", {}, event.x)]));
    }
    if (lane) over.push(make("text", {x: 0, y: top + 14, class: "soft"}, LEFT < 200 ? "events" : "failures, deployments"));
    const fits = Math.floor((LEFT - 24) / LETTER);
    rows.forEach((row, number) => {
      const y = top + lane + number * ROW, middle = y + ROW / 2, cut = row.label.length > fits;
      over.push(make("text", {x: row.lead ? 0 : 14, y: middle + 4, class: row.lead ? "lead" : "soft"},
        cut ? row.label.slice(0, fits - 1) + "…" : row.label, cut ? [make("title", {}, row.label)] : []));
      if (row.due !== null) upright("due", row.due, y + 1, y + ROW - 1);
      for (const minute of row.typical) upright("typical", minute, y + 1, y + ROW - 1);
      if (row.lead) {
        if (row.times.length) bars += `M${x(Math.min(...row.times))} ${middle}H${x(Math.max(...row.times)) + 2}`;
        for (const minute of row.times) {
          dots[lateOf(row, minute)] += `M${x(minute) - 4} ${middle}a4 4 0 1 0 8 0a4 4 0 1 0-8 0`;
        }
      } else {
        const missing = row.minute === null, told = missing ? row.word : here(row.minute);
        over.push(make("circle", {class: missing ? row.word.replace(" ", "-") : lateOf(row, row.minute),
          cx: missing ? x(row.due ?? first) : x(row.minute), cy: middle, r: missing ? 5 : 4}, undefined,
          [make("title", {}, `${row.name}: ${told}`)]));
      }
    });
    const path = (kind, d) => d ? [make("path", {class: kind, d})] : [];
    const now = data.now > first && data.now < last ? `M${x(data.now)} ${top - 4}V${height}` : "";
    return make("svg", {viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: "img",
      "aria-label": `Completions of ${pipeline.dates[column]}; the table below says the same`}, undefined,
      [...path("axis", lines.axis), ...path("now", now), ...path("bar", bars), ...path("due", lines.due),
        ...path("typical", lines.typical), ...path("done", dots.done), ...path("late", dots.late), ...over]);
  }

  function table(pipeline, rows) {
    const cells = (values, kind = "td") => values.map((value) => make(kind, kind === "th" ? {scope: "col"} : {}, value));
    const body = rows.filter((row) => !row.lead).map((row) => make("tr", {}, undefined, cells([
      row.name, row.critical ? "critical" : "optional",
      row.minute === null ? row.word : `${said(pipeline, row.minute)} (${clock(row.minute)} UTC)`,
      row.minute === null || row.due === null ? "" : row.minute > row.due
        ? `${Math.round(row.minute - row.due)} min late` : "in time"])));
    return make("table", {}, undefined, [make("thead", {}, undefined, [make("tr", {}, undefined,
      cells(["processor", "class", "completed", "against its due time"], "th"))]), make("tbody", {}, undefined, body)]);
  }

  // One piece for each frame, so that no layout takes long; a frame comes only while somebody looks.
  const pieces = [];
  const layOutNext = () => {
    pieces.shift().classList.add("ready");
    if (pieces.length) requestAnimationFrame(layOutNext);
  };
  function layOut(...more) {
    pieces.push(...more);
    if (more.length && pieces.length === more.length) requestAnimationFrame(layOutNext);
  }

  const cellAt = (box, row, column) => box.querySelector(`a[data-c="${row},${column}"]`);
  const placeOf = (link) => link.dataset.c.split(",").map(Number);

  // One cell of a pipeline can be reached by Tab; the others by arrows from there.
  function reach(box, link) {
    box.querySelector(".grid a[tabindex='0']")?.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
  }

  function choose(box, link, focus) {
    const pipeline = data.pipelines[+box.dataset.pipeline], [row, column] = placeOf(link);
    const panel = box.querySelector(".detail"), width = box.clientWidth - 30;
    box.querySelector("[aria-current]")?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    reach(box, link);
    const cell = pipeline.cells[row][column], name = pipeline.phases[row].n, rows = rowsOf(pipeline, column, row);
    const due = cell[1] === null ? "nothing is owed"
      : `due ${said(pipeline, midnight(pipeline.dates[column]) + cell[1])} ${pipeline.zone}`;
    const legend = ["● completed in time or late", "○ missing", "┆ due", "┊ usual time", "◆ failure", "▲ deployment"];
    const parts = [make("h3", {}, `${name} of ${pipeline.dates[column]}: ${data.words[cell[0]]}, ${due}`),
      draw(pipeline, column, rows, width),
      make("ul", {class: "legend"}, undefined, legend.map((text) => make("li", {}, text)))];
    if (cell[3] && cell[3].length) {
      const long = rows.length > 20;
      const below = make("div", {class: long ? "scroll" : "scroll ready"}, undefined, [table(pipeline, rows)]);
      if (long) layOut(below);
      parts.push(below);
    }
    if (cell[5]) parts.push(make("p", {class: "quiet"}, "flags: " + cell[5].join(", ")));
    panel.replaceChildren(...parts);
    const above = link.closest(".scroll");
    if (above.nextElementSibling !== panel) above.after(panel);
    if (focus) panel.focus({preventScroll: true});
    // With the frame, which lays out anyway. On a phone the table is wider than the screen.
    requestAnimationFrame(() => {
      if (focus) panel.scrollIntoView({block: "nearest"});
      else above.scrollLeft = link.parentElement.offsetLeft - above.clientWidth / 2;
    });
  }

  layOut(...document.querySelectorAll(".scroll, .trouble, .incident"));
  const moves = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
  for (const box of document.querySelectorAll(".pipeline")) {
    box.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-c]");
      if (!link) return;
      event.preventDefault();
      choose(box, link, true);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && event.target.closest(".detail")) box.querySelector("[aria-current]")?.focus();
      const link = event.target.closest("a[data-c]"), move = moves[event.key];
      if (!link || !move) return;
      const [row, column] = placeOf(link), next = cellAt(box, row + move[0], column + move[1]);
      if (!next) return;
      reach(box, next);
      next.focus();
      event.preventDefault();
    });
    const latest = box.querySelector(".grid");
    const first = latest && (latest.querySelector(".s.failed, .s.stalled, .s.incomplete")
      || [...latest.querySelectorAll("a[data-c]")].pop());
    if (!first) continue;
    // A task of its own, so that the page can answer between its layout and the drawing.
    setTimeout(() => choose(box, first, false));
  }
})();
