// An entry's page: the proof, the pictures, the buttons that copy, and the graph of what it is made of and used by.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 210, height: 26, across: 60, down: 12 };
const MOST_DRAWN = 12; // boxes in one column
const FARTHEST = 6; // generations in each direction

const byId = (id) => document.getElementById(id);
const dataElement = byId("data");
const DATA = dataElement && JSON.parse(dataElement.textContent);

function offerProof(data) {
  const button = byId("verify");
  if (!button) return;
  const bar = byId("verify-progress");
  const verdict = byId("verdict");
  button.addEventListener("click", async () => {
    button.disabled = true;
    bar.hidden = false;
    verdict.className = "";
    verdict.textContent = "adding up";
    try {
      const found = await verifyScheme(data, (share) => { bar.value = share; });
      verdict.className = found.ok ? "yes" : "no";
      verdict.textContent = found.ok
        ? `true: ${found.detail} (${found.arithmetic}; ${found.seconds.toFixed(2)} s)`
        : `false: ${found.detail}`;
    } catch (error) {
      verdict.className = "no";
      verdict.textContent = `false: the data of this page cannot be read (${error.message})`;
    }
    bar.hidden = true;
    button.disabled = false;
  });
}

function offerCopies() {
  for (const button of document.querySelectorAll("button.copy")) {
    const words = button.innerHTML;
    button.addEventListener("click", async () => {
      const text = byId(button.dataset.copy);
      const done = await copied(text);
      button.textContent = done ? "Copied" : "Selected; press Ctrl+C";
      setTimeout(() => { button.innerHTML = words; }, 2000);
    });
  }
}

async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

/** Generations of relatives: [[place, ...], ...], the nearest first; a place, or the name of what has no page. */
function generations(start, next) {
  const seen = new Set([start]);
  const found = [];
  let row = [start];
  while (row.length && found.length < FARTHEST) {
    row = [...new Set(row.flatMap((one) => (typeof one === "number" ? next(one) : [])))].filter((one) => !seen.has(one));
    row.forEach((one) => seen.add(one));
    if (row.length) found.push(row);
  }
  return found;
}

function showLineage(place, id) {
  const nodes = typeof LINEAGE === "undefined" ? [] : LINEAGE.nodes;
  const own = nodes.findIndex(([name]) => name === id);
  const children = new Map();
  nodes.forEach(([, parents], child) => parents.forEach((parent) => children.set(parent, [...(children.get(parent) ?? []), child])));
  const before = generations(own, (one) => nodes[one]?.[1] ?? []);
  const after = generations(own, (one) => children.get(one) ?? []);
  if (own < 0 || !(before.length + after.length)) {
    place.append(paragraph("Made of no other entry, and used by none here."));
    return;
  }
  const named = (one) => (typeof one === "number" ? nodes[one][0] : one);
  place.append(
    paragraph(`Made of ${before[0]?.length ?? 0}, used by ${after[0]?.length ?? 0} here. From left to right: what it is made of, this entry, what is made of it.`),
    graph([...before.toReversed(), [own], ...after], own, nodes, named),
    listed("Made of", before[0] ?? [], named),
    listed("Used by", after[0] ?? [], named),
  );
}

function paragraph(text) {
  const found = document.createElement("p");
  found.textContent = text;
  return found;
}

function listed(title, ones, named) {
  const found = document.createElement("p");
  if (!ones.length) return found;
  found.append(`${title}: `);
  ones.forEach((one, at) => found.append(at ? ", " : "", linked(one, named)));
  return found;
}

function linked(one, named) {
  if (typeof one !== "number") return document.createTextNode(`${one} (no page here)`);
  const link = document.createElement("a");
  link.href = addressOf(named(one));
  link.textContent = named(one);
  return link;
}

const addressOf = (id) => `../${encodeURIComponent(id)}/index.html`;

/** Columns of boxes, one a generation, joined by curves from parent to child. */
function graph(columns, own, nodes, named) {
  const shown = columns.map((column) => (column.length > MOST_DRAWN ? [...column.slice(0, MOST_DRAWN - 1), null] : column));
  const rows = Math.max(...shown.map((column) => column.length));
  const width = columns.length * (BOX.width + BOX.across) - BOX.across + 4;
  const height = rows * (BOX.height + BOX.down) + 4;
  const at = new Map();
  shown.forEach((column, x) => column.forEach((one, y) => {
    if (one !== null) at.set(one, [2 + x * (BOX.width + BOX.across), 2 + (y + (rows - column.length) / 2) * (BOX.height + BOX.down)]);
  }));
  const svg = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Graph of the lineage" });
  for (const [one, [x, y]] of at) {
    for (const parent of typeof one === "number" ? nodes[one][1] : []) {
      const from = at.get(parent);
      if (from && from[0] < x) svg.append(curve(from[0] + BOX.width, from[1] + BOX.height / 2, x, y + BOX.height / 2));
    }
  }
  for (const [one, [x, y]] of at) svg.append(box(named(one), x, y, one === own, typeof one === "number"));
  shown.forEach((column, x) => {
    if (column.includes(null)) {
      const more = drawn("text", { x: 2 + x * (BOX.width + BOX.across), y: height - BOX.down - 6 });
      more.textContent = `and ${columns[x].length - MOST_DRAWN + 1} more`;
      svg.append(more);
    }
  });
  const holder = document.createElement("div");
  holder.className = "graph";
  holder.tabIndex = 0;
  holder.setAttribute("role", "group");
  holder.setAttribute("aria-label", "Lineage");
  holder.append(svg);
  return holder;
}

function drawn(name, attributes) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

function curve(x, y, toX, toY) {
  const middle = (x + toX) / 2;
  return drawn("path", { d: `M${x},${y} C${middle},${y} ${middle},${toY} ${toX},${toY}` });
}

function box(name, x, y, isOwn, hasPage) {
  const group = hasPage && !isOwn ? drawn("a", { href: addressOf(name) }) : drawn("g", {});
  const text = drawn("text", { x: x + 8, y: y + 17 });
  text.textContent = name.length > 30 ? `${name.slice(0, 29)}…` : name;
  group.append(drawn("rect", { x, y, width: BOX.width, height: BOX.height, rx: 4, class: isOwn ? "own" : "" }), text);
  return group;
}

if (DATA) {
  offerProof(DATA);
  const control = { zoom: "zoom", less: "zoom-out", more: "zoom-in", whole: "zoom-fit", which: "which", cell: "cell" };
  showMatrices(DATA, byId("matrices"), Object.fromEntries(Object.entries(control).map(([name, id]) => [name, byId(id)])));
}
offerCopies();
showLineage(byId("lineage"), byId("entry-id").textContent);
