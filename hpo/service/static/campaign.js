"use strict";

// The live page of one campaign. Text from the server enters the page as text only, never as HTML.

const STATES = ["complete", "silent", "pruned", "failed", "cancelled", "running", "queued"];
const LIVE = new Set(["created", "running", "paused"]);
const LIVE_MS = 2000;
const REST_MS = 15000;

const MEASURES = {
  accuracy: { label: "accuracy", unit: "%", factor: 100, digits: 2 },
  latency_us: { label: "latency", unit: "µs", factor: 1, digits: 2 },
  energy_uj: { label: "energy", unit: "µJ", factor: 1, digits: 4 },
  luts: { label: "LUT (est.)", unit: "", factor: 1, digits: 0 },
  ffs: { label: "FF (est.)", unit: "", factor: 1, digits: 0 },
  bram36: { label: "BRAM36 (est.)", unit: "", factor: 1, digits: 1 },
  dsps: { label: "DSP (est.)", unit: "", factor: 1, digits: 0 },
  spikes_per_inference: { label: "spikes per inference", unit: "", factor: 1, digits: 1 },
};
const USUAL_COLUMNS = ["accuracy", "latency_us", "energy_uj", "luts", "bram36"];
const PARAMETERS = [
  "hidden_layers", "hidden_width", "neuron", "beta", "threshold", "reset", "surrogate", "encoding",
  "time_steps", "weight_bits", "lanes",
];

const root = document.getElementById("campaign");
const address = "/api/v1/campaigns/" + encodeURIComponent(root.dataset.name);
const element = (id) => document.getElementById(id);
const COLUMNS = [...new Set([...root.dataset.objectives.split(","), ...USUAL_COLUMNS])];
let drawn = "";

function make(tag, text, ...classes) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (classes.length > 0) node.classList.add(...classes);
  return node;
}

function measureText(name, value) {
  const { factor, digits } = MEASURES[name];
  return typeof value === "number" ? (value * factor).toFixed(digits) : "–";
}

function withUnit(name, value) {
  const { unit } = MEASURES[name];
  return measureText(name, value) + (unit ? " " + unit : "");
}

function parameterText(value) {
  if (Array.isArray(value)) return value.map(parameterText).join("/");
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);
}

async function ask(path) {
  const answer = await fetch(address + path, { headers: { accept: "application/json" } });
  if (answer.status === 401) {
    window.location.assign("/login");
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return body;
}

function showStatus(status) {
  const state = element("state");
  state.textContent = status.state;
  state.className = "state " + status.state;
  const seen = STATES.filter((name) => status.counts[name] > 0);
  element("bar").replaceChildren(...seen.map((name) => {
    const part = make("span", "", name);
    part.style.width = (100 * status.counts[name]) / status.trials_total + "%";
    return part;
  }));
  const shown = STATES.filter((name) => status.counts[name] > 0 || ["complete", "silent", "failed"].includes(name));
  element("counts").replaceChildren(...shown.map((name) => {
    const item = make("li", "", name);
    item.append(make("span", "", "swatch"), `${status.counts[name]} ${name}`);
    return item;
  }));
  showFacts(status);
}

function showFacts(status) {
  const waiting = status.counts.running + status.counts.queued;
  const ended = STATES.reduce((sum, name) => sum + status.counts[name], 0) - waiting;
  const facts = [
    ["trials ended", `${ended} of ${status.trials_total}`],
    ["designs on the front", String(status.front_size)],
    ["hypervolume", status.hypervolume.toPrecision(4)],
  ];
  for (const [name, best] of Object.entries(status.best)) {
    facts.push([`best ${MEASURES[name].label} (design ${best.name})`, withUnit(name, best.value)]);
  }
  element("facts").replaceChildren(...facts.map(([name, value]) => {
    const group = document.createElement("div");
    group.append(make("dt", name), make("dd", value));
    return group;
  }));
}

function showRunning(trials) {
  element("running").hidden = trials.length === 0;
  const listed = (values, factor) => values.map((value) => (factor * value).toFixed(1)).join(" / ");
  const shown = (value, factor) => (value === null ? "–" : String(Number((factor * value).toPrecision(4))));
  element("trials").replaceChildren(...trials.map((trial) => {
    const row = document.createElement("tr");
    const head = make("th", String(trial.trial));
    head.scope = "row";
    row.append(
      head,
      make("td", `${trial.epoch} of ${trial.epochs}`, "number"),
      make("td", shown(trial.loss, 1), "number"),
      make("td", shown(trial.validation_accuracy, 100), "number"),
      make("td", listed(trial.spikes_per_layer, 1), "number"),
      make("td", listed(trial.firing_rates, 100), "number"),
    );
    return row;
  }));
}

function showHeadings() {
  const headings = COLUMNS.map((name) => {
    const { label, unit } = MEASURES[name];
    return make("th", unit ? `${label} (${unit})` : label, "number");
  });
  const cells = [make("th", "design"), ...headings, make("th", "hyperparameters"), make("th", "")];
  for (const cell of cells) cell.scope = "col";
  element("headings").replaceChildren(...cells);
}

function showTable(designs) {
  element("front").hidden = designs.length === 0;
  showHeadings();
  element("designs").replaceChildren(...designs.map((design) => {
    const row = document.createElement("tr");
    const head = make("th", design.name);
    head.scope = "row";
    const why = make("button", "why?");
    why.value = String(design.trial);
    why.type = "button";
    const numbers = COLUMNS.map((name) => make("td", measureText(name, design.measures[name]), "number"));
    const values = { ...design.config, ...design.accelerator };
    const parameters = PARAMETERS.filter((name) => name in values)
      .map((name) => `${name} ${parameterText(values[name])}`);
    const asked = make("td", "");
    asked.append(why);
    row.append(head, ...numbers, make("td", parameters.join(", "), "parameters"), asked);
    return row;
  }));
}

// Round numbers for a logarithmic scale, 1-2-5 in each decade.
function roundNumbers(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    ticks.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  return inside.length > 1 ? inside : [...new Set([low, high])];
}

const shortNumber = (value) => String(Number(value.toPrecision(3)));

function points(designs) {
  const plottable = designs.filter((d) => d.measures.latency_us > 0 && d.measures.energy_uj > 0);
  return {
    type: "scatter",
    mode: "markers",
    x: plottable.map((d) => d.measures.latency_us),
    y: plottable.map((d) => 100 * d.measures.accuracy),
    energies: plottable.map((d) => d.measures.energy_uj),
    text: plottable.map((d) => `design ${d.name}<br>` + ["accuracy", "latency_us", "energy_uj"]
      .map((name) => `${MEASURES[name].label} ${withUnit(name, d.measures[name])}`).join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function frontTrace(front) {
  const { energies, ...trace } = points(front);
  const ticks = roundNumbers(energies);
  const colours = {
    size: 13,
    line: { color: "#1c2733", width: 1 },
    color: energies.map(Math.log10),
    colorscale: "Viridis",
    colorbar: {
      title: { text: "energy (µJ)", side: "right" },
      tickvals: ticks.map(Math.log10),
      ticktext: ticks.map(shortNumber),
      outlinewidth: 0,
    },
  };
  return { ...trace, name: "front, coloured by energy", marker: colours };
}

function dominatedTrace(designs) {
  const { energies, ...trace } = points(designs);
  return { ...trace, name: "dominated", marker: { size: 8, color: "#5d6b79", symbol: "circle-open" } };
}

function showPlot(front, all) {
  element("empty").hidden = front.length > 0;
  element("plot").hidden = front.length === 0;
  if (front.length === 0) return;
  const best = new Set(front.map((design) => design.name));
  const latencies = roundNumbers(points(all).x);
  const axis = { gridcolor: "#e3e8ed", linecolor: "#52606d", showline: true, ticks: "outside", zeroline: false };
  const layout = {
    margin: { l: 70, r: 100, t: 60, b: 60 },
    font: { family: "system-ui, 'DejaVu Sans', sans-serif", size: 14, color: "#1c2733" },
    xaxis: {
      ...axis,
      type: "log",
      title: { text: "latency (µs, log scale)" },
      tickvals: latencies,
      ticktext: latencies.map(shortNumber),
    },
    yaxis: { ...axis, title: { text: "accuracy on the validation split (%)" } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    showlegend: true,
    hovermode: "closest",
    hoverlabel: { align: "left" },
  };
  const traces = [dominatedTrace(all.filter((design) => !best.has(design.name))), frontTrace(front)];
  Plotly.react("plot", traces, layout, { displayModeBar: false, responsive: true });
}

async function refresh() {
  let wait = LIVE_MS;
  try {
    const status = await ask("");
    showStatus(status);
    showRunning(status.running);
    document.dispatchEvent(new CustomEvent("status", { detail: status }));
    wait = LIVE.has(status.state) ? LIVE_MS : REST_MS;
    const fingerprint = JSON.stringify(status.counts);
    if (fingerprint !== drawn) {
      const [front, all] = await Promise.all([ask("/front"), ask("/designs")]);
      showTable(front.designs);
      showPlot(front.designs, all.designs);
      drawn = fingerprint;
    }
    element("trouble").hidden = true;
  } catch (error) {
    element("trouble").textContent = `The service did not answer (${error.message}); trying again.`;
    element("trouble").hidden = false;
  }
  window.setTimeout(refresh, wait);
}

refresh();
