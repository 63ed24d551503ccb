"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const state = {};
  const rows = new Map();          // second at which a bucket begins -> its row
  let width = 1, charts = [], drawn = 0, source = null, over = false, heard = 0, stoppable = false;

  // -- words and numbers; whatever comes from the run becomes text, never markup

  const el = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null) node.setAttribute(name, value);
    node.append(...children.filter((each) => each !== null && each !== undefined));
    return node;
  };
  const whole = (n) => n.toLocaleString("en-US");
  const three = (n) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));
  const parts = (s) => s === null || s === undefined ? ["–", ""]
    : s < 1e-3 ? [three(s * 1e6), "µs"] : s < 1 ? [three(s * 1e3), "ms"] : [three(s), "s"];
  const lasting = (s) => parts(s).join(" ").trim();
  const tick = (s) => {                // 30s, 5m, 5m30, 2h, 2h30
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, rest = Math.round(s % 60), two = (n) => String(n).padStart(2, "0");
    return h ? h + "h" + (m ? two(m) : "") : m ? m + "m" + (rest ? two(rest) : "") : rest + "s";
  };
  const clock = (s) => {
    if (s === null || s === undefined) return "–";
    const t = Math.max(0, Math.round(s)), h = Math.floor(t / 3600), two = (n) => String(n).padStart(2, "0");
    return (h ? h + ":" + two(Math.floor(t / 60) % 60) : Math.floor(t / 60)) + ":" + two(t % 60);
  };
  const bytes = (n) => {
    if (n === null || n === undefined) return ["–", ""];
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let i = 0;
    while (n >= 1024 && i < 4) { n /= 1024; i++; }
    return [i ? three(n) : String(n), units[i]];
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const hue = (index) => "--f" + (index % 8);
  const times = (n) => (n === 1 ? "once" : whole(n) + " times");

  // -- the parts of the page

  const indexOf = (name) => (state.injectors || []).findIndex((each) => each.name === name);
  const chip = (name) => el("span", { class: "chip c" + (Math.max(0, indexOf(name)) % 8) }, name);

  function tile(name, value, sub, tone, wide) {
    const [number, unit] = Array.isArray(value) ? value : [value, ""];
    const big = el("dd", { class: "big" }, number);
    if (unit) big.append(el("small", {}, unit));
    return el("div", { class: "tile" + (tone ? " " + tone : "") + (wide ? " wide" : "") },
      el("dl", {}, el("dt", {}, name), big, el("dd", { class: "sub", title: sub || "" }, sub || "")));
  }

  function showTiles() {
    const now = state.now, [ok, failed, faulted, stuck] = now.counts, bad = failed + faulted + stuck;
    const ways = [[failed, "failed"], [faulted, "faulted"], [stuck, "stuck"]].filter((each) => each[0]);
    const of = state.run.iterations ? " of " + whole(state.run.iterations) : "";
    const last = (i) => (now.ended || now.recent[i] === null ? "" : "now " + lasting(now.recent[i]));
    const found = now.findings;
    $("tiles").replaceChildren(
      tile("Elapsed", clock(now.elapsed), now.ended ? "over" : now.left === null ? "no end known" : clock(now.left) + " left"),
      tile("Iterations", whole(ok + bad), [now.ended || now.rate === null ? "" : now.rate.toLocaleString("en-US") + "/s", of.trim()].filter(Boolean).join(", ")),
      tile("Success", now.success ? [now.success.replace("%", ""), "%"] : "–", now.interval || ""),
      tile("Not successful", whole(bad), ways.map(([n, what]) => whole(n) + " " + what).join(", ") || "none", failed + stuck ? "alarm" : bad ? "warm" : ""),
      tile("Violations", whole(found), found ? "see below" : "none so far", found ? "alarm" : ""),
      tile("p50", parts(now.p50), last(0)),
      tile("p99", parts(now.p99), last(1)),
      tile("Faults active", String(now.active.length), whole(now.faults) + " landed so far", now.active.length ? "warm" : ""),
      tile("Memory", bytes(now.rss), trend()),
      tile("Threads", now.threads === null ? "–" : whole(now.threads), now.descriptors === null ? "" : whole(now.descriptors) + " descriptors"));
  }

  function trend() {
    const held = [...rows.values()].filter((row) => row[5] !== null);
    if (held.length < 30 || held[held.length - 1][0] - held[0][0] < 600) return "";
    const third = Math.floor(held.length / 3), mean = (list) => list.reduce((sum, row) => sum + row[5], 0) / list.length;
    const first = held.slice(third, 2 * third), last = held.slice(2 * third);
    const perHour = (mean(last) - mean(first)) / ((last[last.length >> 1][0] - first[first.length >> 1][0]) / 3600);
    return Math.abs(perHour) < 1048576 ? "steady" : (perHour > 0 ? "rising " : "falling ") + bytes(Math.abs(perHour)).join(" ") + "/h";
  }

  function showVerdict() {
    const { verdict, now } = state, ended = now.ended || over;
    const early = !ended && !verdict.judged;
    const words = { pass: ended ? "PASS" : "OK so far", unstable: ended ? "UNSTABLE" : "UNSTABLE so far", fail: ended ? "FAIL" : "FAILING", unknown: ended ? "UNKNOWN" : "TROUBLE" };
    $("banner").className = "card banner " + (early ? "none" : verdict.is);
    $("verdict").textContent = early ? "no verdict yet" : words[verdict.is];
    const end = verdict.interrupted ? "interrupted: " + verdict.interrupted : verdict.stopped ? "stopped: " + verdict.stopped : "the run is over";
    $("phase").textContent = ended ? end : (verdict.interrupted || verdict.stopped) ? "ending: " + (verdict.interrupted || verdict.stopped) : now.phase || "starting";
    $("reasons").replaceChildren(...verdict.reasons.map(([what, text]) =>
      el("li", { class: what }, el("b", {}, what), el("span", {}, text))));
    $("bar").hidden = now.share === null || ended;
    $("bar").firstElementChild.style.width = 100 * (now.share || 0) + "%";
    $("bar").setAttribute("aria-valuenow", Math.round(100 * (now.share || 0)));
    document.title = (early ? "" : words[verdict.is] + " · ") + (state.run.scenario || "chaoscore");
  }

  function showRun() {
    const run = state.run;
    $("scenario").textContent = run.scenario || "A run";
    const when = run.wall ? new Date(run.wall * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC" : "";
    $("about").textContent = [run.workload, run.target && "target " + run.target, "seed " + run.seed, when].filter(Boolean).join("  ·  ");
    $("again").replaceChildren();
    if (run.rerun) $("again").append("Again with this seed: ", el("code", {}, run.rerun));
  }

  function showActive() {
    const names = state.now.active;
    $("active").replaceChildren(...(names.length ? names.map(chip) : [el("span", { class: "mute" }, "nothing")]));
  }

  function command(text) {
    if (!text) return null;
    const button = el("button", { type: "button", class: "copy", "aria-label": "Copy the command" }, "Copy");
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Press Ctrl+C"; });
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return el("div", { class: "command" }, el("code", {}, text), button);
  }

  function showFindings() {
    const found = state.findings.map((each) => {
      const when = el("div", { class: "when" }, el("span", {}, "first at " + clock(each.first) + (each.count > 1 ? ", last at " + clock(each.last) : "")));
      const place = [each.step && "step " + each.step, each.iteration !== null && "iteration " + each.iteration].filter(Boolean).join(", ");
      if (place) when.append(el("span", {}, place));
      if (each.active.length) when.append(el("span", {}, "under"), ...each.active.map(chip));
      else when.append(el("span", {}, "with no fault active"));
      return el("article", { class: "finding " + (each.verdict === "pass" ? "info" : each.verdict) },
        el("div", { class: "head" }, el("b", {}, each.validator), el("span", { class: "mute" }, each.severity + ", " + times(each.count))),
        el("div", { class: "message" }, each.message), when, command(each.reproduce));
    });
    $("findings").replaceChildren(...(found.length ? found : [el("p", { class: "empty" }, "None so far.")]));
  }

  function showInjectors() {
    const all = state.injectors;
    if (!all.length) { $("injectors").replaceChildren(el("p", { class: "empty" }, "This run injects nothing.")); return; }
    const body = el("tbody", {}, ...all.map((each, index) => {
      const open = each.open ? el("span", { class: "open unstable" }, "active") : el("span", { class: "mute" }, each.opened ? "lifted" : "waiting");
      const proof = el("td", {}, each.evidence);
      for (const [place, n] of each.where) proof.append(el("div", { class: "where" }, whole(n) + " × " + place));
      if (each.detail) proof.append(el("div", { class: "where" }, each.detail));
      return el("tr", {}, el("td", {}, el("span", { class: "chip c" + index % 8 }, each.name)),
        el("td", {}, el("div", {}, each.kind), el("div", { class: "mono" }, each.parameters)), el("td", {}, each.window), el("td", {}, open), proof);
    }));
    const head = el("thead", {}, el("tr", {}, ...["Injector", "Fault", "When", "Now", "Evidence"].map((each) => el("th", { scope: "col" }, each))));
    $("injectors").replaceChildren(el("table", {}, head, body));
  }

  function showErrors() {
    const all = state.errors;
    $("raised").hidden = !all.length;
    const body = el("tbody", {}, ...all.map((each) => el("tr", {}, el("td", {}, each.step), el("td", {}, each.error),
      el("td", {}, each.injected ? chip(each.injected) : el("span", { class: "mute" }, "not injected")), el("td", { class: "num" }, whole(each.count) + " ×"))));
    const head = el("thead", {}, el("tr", {}, ...["Step", "Error", "Injected by"].map((each) => el("th", { scope: "col" }, each)), el("th", { scope: "col", class: "num" }, "Count")));
    $("errors").replaceChildren(el("table", {}, head, body));
  }

  // -- charts

  function columns() {
    const seconds = [...rows.keys()].sort((a, b) => a - b), table = [[], [], [], [], [], []];
    if (!seconds.length) return table;
    const live = !(state.now.ended || over);
    for (let at = seconds[0]; at <= seconds[seconds.length - 1]; at += width) {
      const row = rows.get(at), x = at + width / 2;
      const last = at === seconds[seconds.length - 1] && seconds.length > 2;
      const part = last ? Math.min(1, Math.max(0, state.now.elapsed - at) / width) : 1;
      if (last && (live || part < 0.25)) break;   // it is not complete
      table[0].push(x);
      table[1].push(row ? row[3] : null);
      table[2].push(row ? row[4] : null);
      table[3].push(row ? row[1] / width / part : 0);
      table[4].push(row ? row[2] / width / part : 0);
      table[5].push(row ? row[5] : null);
    }
    return table;
  }

  // Faults are shaded in every chart; above the first, each injector has a lane with its name.
  const LANE = 17, LANES = 6, NEARLY_ALL = 0.8;

  function shade(chart, named) {
    const context = chart.ctx, { left, top, width: wide, height } = chart.bbox, ratio = devicePixelRatio;
    const x = (at) => Math.min(left + wide, Math.max(left, chart.valToPos(at, "x", true)));
    const lane = (index) => top - (lanes() - index) * LANE * ratio - 14 * ratio;
    context.save();
    for (const [index, from, to] of state.windows || []) {
      const x0 = x(from), x1 = x(to === null ? chart.scales.x.max : to);
      if (to !== null && to < chart.scales.x.min || from > chart.scales.x.max) continue;
      const span = Math.max(x1 - x0, 1.5 * ratio);
      context.fillStyle = colour(hue(index));
      if (span < NEARLY_ALL * wide) {  // one that spans all tells no time from another
        context.globalAlpha = 0.1;
        context.fillRect(x0, top, span, height);
        context.globalAlpha = 1;
      }
      if (named && index < LANES) context.fillRect(x0, lane(index) + 4.5 * ratio, span, 6 * ratio);
    }
    if (named) state.injectors.slice(0, LANES).forEach((each, index) => {
      context.globalAlpha = 0.22;
      context.fillStyle = colour(hue(index));
      context.fillRect(left, lane(index) + 7 * ratio, wide, ratio);
      context.globalAlpha = 1;
      context.font = "500 " + 11.5 * ratio + "px system-ui, sans-serif";
      context.textAlign = "right";
      context.fillStyle = colour("--soft");
      context.fillText(fitting(context, each.name, left - 12 * ratio), left - 8 * ratio, lane(index) + 11 * ratio);
    });
    context.restore();
  }

  const lanes = () => Math.min((state.injectors || []).length, LANES);

  function fitting(context, name, room) {
    let text = name;
    while (text.length > 1 && context.measureText(text).width > room) text = text.slice(0, text.endsWith("…") ? -2 : -1) + "…";
    return text;
  }

  const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800];

  const binary = [...Array(44).keys()].map((power) => 2 ** power);

  function chart(id, height, series, values, options) {
    const quiet = colour("--mute"), grid = { stroke: colour("--line"), width: 1 }, ticks = { show: false };
    const font = "12px system-ui, sans-serif";
    const place = $(id), caption = place.parentElement.querySelector("figcaption");
    caption.querySelectorAll(".u-legend").forEach((each) => each.remove());
    place.replaceChildren();
    const made = new uPlot({
      width: Math.max(260, place.clientWidth), height, series: [{ label: "at", value: (_, at) => (at === null || at === undefined ? "" : clock(at)) }, ...series],
      legend: { mount: (_, legend) => caption.append(legend), markers: { fill: (self, i) => self.series[i]._stroke || self.series[i].stroke(self, i) } },
      cursor: { sync: { key: "run", scales: ["x", null] }, y: false, points: { size: 6 }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: options.log ? { distr: 3 } : { range: (_, low, high) => options.fit ? [low - (high - low || high) * .15, high + (high - low || high) * .15] : [0, Math.max(high * 1.12, 1)] } },
      axes: [
        { stroke: quiet, grid, ticks, font, incrs: spans, values: (_, at) => at.map(tick), space: 70, size: 28 },
        { stroke: quiet, grid, ticks, font, size: innerWidth < 640 ? 66 : 108, ...(options.incrs ? { incrs: options.incrs } : {}), values: (_, all) => all.map((each) => each === null ? "" : values(each)), space: 32 },
      ],
      padding: [8 + (id === "latency" && lanes() ? lanes() * LANE + 12 : 0), 18, 0, 0],
      hooks: { drawClear: [(self) => shade(self, id === "latency")] },
    }, [[], ...series.map(() => [])], place);
    return made;
  }

  function buildCharts() {
    charts.forEach((each) => each.destroy());
    drawn = lanes();
    const line = (label, name, value, more) => ({ label, stroke: colour(name), width: 1.5, points: { show: false }, value: (_, v) => (v === null || v === undefined ? "" : value(v)), ...more });
    const area = (name) => ({ fill: colour(name) + "26" });
    const phone = innerWidth < 640, rate = (v) => v >= 100 ? whole(Math.round(v)) : three(v) .replace(/\.?0+$/, "");
    charts = [
      chart("latency", (phone ? 202 : 242) + lanes() * LANE, [line("p50", "--p50", lasting, { width: 2 }), line("p99", "--p99", lasting)], (v) => parts(v).map((each, i) => i ? each : String(parseFloat(each))).join(" "), { log: true }),
      chart("throughput", phone ? 120 : 140, [line("succeeded", "--ok", rate, area("--ok")), line("not", "--bad", rate, area("--bad"))], rate, {}),
      chart("memory", phone ? 100 : 110, [line("resident", "--grey", (v) => bytes(v).join(" "))], (v) => bytes(v).map((each, i) => i ? each : String(Math.round(parseFloat(each) * 10) / 10)).join(" "), { fit: true, incrs: binary }),
    ];
    showCharts();
  }

  function showCharts() {
    if (!charts.length) return;
    const [x, p50, p99, ok, bad, rss] = columns();
    const positive = (list) => list.map((each) => (each === null ? null : Math.max(each, 1e-7)));
    charts[0].setData([x, positive(p50), positive(p99)]);
    charts[1].setData([x, ok, bad]);
    charts[2].setData([x, rss]);
  }

  // -- what the server sends

  function take(message, isWhole) {
    const { series, ...changed } = message;
    Object.assign(state, changed);
    heard = Date.now();
    if (series) {
      if (isWhole || series.width !== width) rows.clear();
      width = series.width;
      for (const row of series.rows) rows.set(row[0], row);
    }
    if (!state.now) return;
    if (changed.run || isWhole) showRun();
    showTiles();
    showVerdict();
    if (changed.injectors) showInjectors();
    showActive();
    if (changed.findings) showFindings();
    if (changed.errors) showErrors();
    if (!charts.length || drawn !== lanes()) buildCharts(); else showCharts();
  }

  function showLink() {
    const link = $("link"), silent = Math.round((Date.now() - heard) / 1000);
    const ended = over || (state.now && state.now.ended);
    $("stop").hidden = !stoppable || ended;
    if (ended) { link.className = "link"; link.textContent = "ended"; }
    else if (source && source.readyState === 1 && silent < 5) { link.className = "link live"; link.textContent = "live"; }
    else if (heard) { link.className = "link lost"; link.textContent = "no contact for " + clock(silent) + ", reconnecting"; }
    else { link.className = "link lost"; link.textContent = "connecting"; }
  }

  function listen() {
    source = new EventSource("events");
    source.addEventListener("hello", (event) => { stoppable = event.data === "yes"; heard = Date.now(); showLink(); });
    source.addEventListener("whole", (event) => { take(JSON.parse(event.data), true); showLink(); });
    source.addEventListener("update", (event) => { take(JSON.parse(event.data), false); showLink(); });
    source.addEventListener("over", () => { over = true; source.close(); if (state.now) { showVerdict(); showTiles(); showCharts(); } showLink(); });
    source.addEventListener("error", () => {
      showLink();
      if (source.readyState === 2 && !over) setTimeout(listen, 2000);   // refused: the browser itself would not try again
    });
  }

  // -- what the viewer does

  async function stop() {
    let said;
    try {
      const answer = await fetch("stop", { method: "POST" });
      said = answer.ok ? "The stop lever is pulled. Runs inject again after: chaoscore stop --release" : "Not stopped: " + await answer.text();
    } catch { said = "Not stopped: no contact with the run"; }
    $("phase").textContent = said;
    $("stop").textContent = said.startsWith("The") ? "Stopping" : "Stop";
    $("stop").disabled = said.startsWith("The");
  }

  const ask = () => { if (!$("stop").hidden && !$("stop").disabled) { $("sure").returnValue = ""; $("sure").showModal(); } };
  const turn = () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    if (charts.length) buildCharts();
  };
  $("stop").addEventListener("click", ask);
  $("theme").addEventListener("click", turn);
  $("sure").addEventListener("close", () => { if ($("sure").returnValue === "stop") stop(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("sure").open) return;
    if (event.key === "t" || event.key === "T") turn();
    if (event.key === "s" || event.key === "S") ask();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (charts.length) buildCharts(); });
  let asked = 0;
  addEventListener("resize", () => { clearTimeout(asked); asked = setTimeout(() => { if (charts.length) buildCharts(); }, 150); });
  setInterval(showLink, 1000);
  listen();
})();
