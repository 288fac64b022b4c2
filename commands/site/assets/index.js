// The index: the heat table of formats, the list with its filters, and the pictures. The address holds the filter.
"use strict";

const FIRST = 100; // rows that are shown unasked
const DEFAULT_RING = "q"; // of the heat table
const LARGEST = 8; // size of the heat table
const DISTANCE = { below: "below it", equal: "equal", near: "1 or 2 above", far: "more above", none: "not found here, or nothing published" };
const OMEGAS = [2.97, 2.9, 2.85, 2.82, 2.79]; // between the shades of the heat table

const byId = (id) => document.getElementById(id);
const made = (name, attributes = {}, ...children) => {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
};

/** Rows of arrays as objects; what is coded is looked up among the texts. */
function unpacked({ columns, rows }, coded = [], texts = []) {
  const isCoded = columns.map((column) => coded.includes(column));
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, isCoded[at] ? texts[row[at]] : row[at]])));
}

const ROWS = unpacked(CATALOG, CATALOG.coded, CATALOG.texts).map((row) => ({
  ...row,
  serves: row.serves ? row.serves.split(" ") : [],
  family: row.kind === "transform" ? "transform" : row.sizes ? "matmul" : row.target.split(":")[0],
  operations: row.kind === "transform" ? row.additions + row.multiplications : null,
  who: row.by || "here",
  words: [row.id, row.target, row.by, row.solver ?? ""].join(" ").toLowerCase(),
  address: `entries/${encodeURIComponent(row.id)}/index.html`,
}));
const STANDING = unpacked(CATALOG.standing);

const COLUMNS = [
  ["id", "entry"], ["kind", "kind"], ["target", "map"], ["ring", "set"], ["rank", "rank"], ["exponent", "omega"],
  ["additions", "additions"], ["gamma", "growth"], ["residual", "residual"], ["multiplications", "multiplications"],
  ["who", "found by"], ["year", "year"],
];
const NUMBERS = new Set(["rank", "exponent", "additions", "gamma", "residual", "multiplications", "year"]);

// ---- the filter, and the address that holds it

const form = byId("filter");
const fields = () => [...form.elements].filter((one) => one.name);
let sort = "";
let sizesFault = "";

function stateOf() {
  const state = {};
  for (const one of fields()) {
    const value = one.type === "checkbox" ? (one.checked ? one.value : "") : one.value.trim();
    if (value) state[one.name] = value;
  }
  if (sort) state.sort = sort;
  return state;
}

function writeAddress() {
  const text = new URLSearchParams(stateOf()).toString();
  if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function readAddress() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return; // a part of the page
  const found = new URLSearchParams(text);
  for (const one of fields()) {
    const value = found.get(one.name) ?? "";
    if (one.type === "checkbox") one.checked = value === one.value;
    else one.value = value;
    if (one.tagName === "SELECT" && one.selectedIndex < 0) one.value = "";
  }
  sort = found.get("sort") ?? "";
}

// ---- what a filter means

/** `2.*.16`, `<=8`, `2x3x4`: a test of sizes; null if it cannot be read. */
function sizesTest(text) {
  const all = text.match(/^(<=|>=|<|>|=)\s*(\d+)$/);
  if (all) return (sizes) => sizes.every((size) => compared(size, all[1], Number(all[2])));
  const parts = text.split(/[.x\s]+/).filter(Boolean).map(partTest);
  if (parts.length !== 3 || parts.includes(null)) return null;
  const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
  return (sizes) => orders.some((order) => order.every((from, at) => parts[at](sizes[from])));
}

function partTest(text) {
  if (text === "*") return () => true;
  const found = text.match(/^(<=|>=|<|>|=)?(\d+)$/);
  return found ? (size) => compared(size, found[1] ?? "=", Number(found[2])) : null;
}

function compared(value, sign, bound) {
  return { "<=": value <= bound, ">=": value >= bound, "<": value < bound, ">": value > bound, "=": value === bound }[sign];
}

/** `7`, `<=50`, `20-30`: a test of a number; null if it cannot be read. */
function numberTest(text) {
  const range = text.match(/^(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)$/);
  if (range) return (value) => value >= Number(range[1]) && value <= Number(range[2]);
  const one = text.match(/^(<=|>=|<|>|=)?\s*(\d+(?:\.\d+)?)$/);
  return one ? (value) => compared(value, one[1] ?? "=", Number(one[2])) : null;
}

const TESTS = {
  ring: (value) => (row) => row.serves.includes(value),
  family: (value) => (row) => row.family === value,
  kind: (value) => (row) => row.kind === value,
  origin: (value) => (row) => (value === "here") === (row.by === ""),
  front: () => (row) => row.front === 1,
  words: (value) => (row) => value.toLowerCase().split(/\s+/).every((word) => row.words.includes(word)),
  sizes: (value) => { const test = sizesTest(value); return test && ((row) => row.sizes !== null && test(row.sizes)); },
};
for (const name of ["rank", "additions", "gamma", "year"]) {
  TESTS[name] = (value) => { const test = numberTest(value); return test && ((row) => row[name] !== null && test(row[name])); };
}

function filtered() {
  let rows = ROWS;
  for (const one of fields()) one.removeAttribute("aria-invalid");
  const faults = [];
  for (const [name, value] of Object.entries(stateOf())) {
    if (!TESTS[name]) continue;
    const test = TESTS[name](value);
    if (test) rows = rows.filter(test);
    else {
      form.elements[name].setAttribute("aria-invalid", "true");
      faults.push(`${name}: ${value} is not understood, and left out`);
    }
  }
  sizesFault = faults.join("; ");
  return sorted(rows);
}

function sorted(rows) {
  const [, sign, key] = sort.match(/^(-?)(\w+)$/) ?? [null, "", ""];
  const column = COLUMNS.find(([name]) => name === key);
  if (!column) return rows;
  const direction = sign ? -1 : 1;
  const order = key === "target" ? bySizes : NUMBERS.has(key) ? (a, b) => a[key] - b[key] : (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0);
  const has = (row) => row[key] !== null && row[key] !== undefined;
  return [...rows.filter(has).sort((a, b) => direction * order(a, b)), ...rows.filter((row) => !has(row))];
}

function bySizes(a, b) {
  if (!a.sizes || !b.sizes) return a.sizes ? -1 : b.sizes ? 1 : a.target < b.target ? -1 : a.target > b.target ? 1 : 0;
  return a.sizes[0] - b.sizes[0] || a.sizes[1] - b.sizes[1] || a.sizes[2] - b.sizes[2];
}

// ---- the list

let showsAll = false;

function showList(rows) {
  const columns = COLUMNS.filter(([key]) => key === "id" || rows.some((row) => row[key] !== null && row[key] !== undefined));
  const head = byId("list").tHead;
  head.replaceChildren(made("tr", {}, ...columns.map(([key, words]) => {
    const cell = made("th", { scope: "col", class: NUMBERS.has(key) ? "number" : "" }, made("button", { type: "button", "data-sort": key }, words));
    if (sort === key || sort === `-${key}`) cell.setAttribute("aria-sort", sort === key ? "ascending" : "descending");
    return cell;
  })));
  const shown = showsAll ? rows : rows.slice(0, FIRST);
  byId("list").tBodies[0].replaceChildren(...shown.map((row) => made("tr", {}, ...columns.map(([key]) => cellOf(row, key)))));
  const fault = sizesFault ? [made("span", { class: "fault" }, ` ${sizesFault}`)] : [];
  byId("count").replaceChildren(`${rows.length} of ${ROWS.length} entries`, ...fault);
  byId("more").hidden = shown.length === rows.length;
  byId("more").textContent = `Show all ${rows.length}`;
}

function cellOf(row, key) {
  if (key === "id") return made("td", { class: "id" }, made("a", { href: row.address }, row.id));
  if (key === "who") return made("td", { class: "by" }, made("bdi", {}, row.who));
  const value = row[key];
  const text = value === null || value === undefined ? "-" : NUMBERS.has(key) && key !== "year" ? told(value) : String(value);
  return made("td", { class: NUMBERS.has(key) ? "number" : "" }, text);
}

const told = (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(5));

// ---- the heat table

function showHeat(state) {
  const ring = CATALOG.rings[state.ring] ? state.ring : DEFAULT_RING;
  const largest = Number(state.largest) || LARGEST;
  const rows = STANDING.filter((row) => row.sizes && row.ring === ring && Math.max(...row.sizes) <= largest && Math.min(...row.sizes) > 1);
  const at = new Map(rows.map((row) => [row.sizes.join("x"), row]));
  const first = [...new Set(rows.map((row) => row.sizes[0]))].sort((a, b) => a - b);
  byId("heat").replaceChildren(...first.map((n) => triangle(n, rows.filter((row) => row.sizes[0] === n), at, state)));
  const swatches = state.show === "omega"
    ? [swatch("h0", `omega from ${OMEGAS[0]}`), ...OMEGAS.map((bound, level) => swatch(`h${level + 1}`, `below ${bound}`))]
    : Object.entries(DISTANCE).map(([style, words]) => swatch(style, words));
  const sign = state.show === "omega" ? "The exponent of the best scheme here." : state.show === "rank" ? "The best rank found here; in brackets what others published." : "What was found here less the best published rank; in brackets the rank that others published.";
  byId("legend").replaceChildren(`Over ${ring}, ${CATALOG.rings[ring]}; published ranks as of ${CATALOG.collected}. ${sign} An exclamation mark: proven optimal. Colours: `, ...swatches.flat());
}

const swatch = (style, words) => [made("span", { class: `swatch ${style}` }), words];

function triangle(n, rows, at, state) {
  const across = [...new Set(rows.map((row) => row.sizes[2]))].sort((a, b) => a - b);
  const down = [...new Set(rows.map((row) => row.sizes[1]))].sort((a, b) => a - b);
  const head = made("tr", {}, made("th", { scope: "col" }, "m \\ p"), ...across.map((p) => made("th", { scope: "col" }, String(p))));
  const lines = down.map((m) => made("tr", {}, made("th", { scope: "row" }, String(m)), ...across.map((p) => {
    const row = at.get(`${n}x${m}x${p}`);
    return row ? made("td", {}, heatButton(row, state)) : made("td");
  })));
  const table = made("table", {}, made("caption", {}, `${n} x m x p`), made("thead", {}, head), made("tbody", {}, ...lines));
  return made("div", { class: "triangle" }, table);
}

function heatButton(row, state) {
  const name = row.sizes.join("x");
  const [text, style] = shownAs(row, state.show);
  const facts = [
    `${name} over ${row.ring}`, row.here === null ? "not found here" : `found here ${row.here}`,
    row.published === null ? "nothing published" : `best published ${row.published}`,
    row.bound === null ? "" : `proven at least ${row.bound}`, row.exponent === null ? "" : `omega ${row.exponent.toFixed(4)}`, row.verdict,
  ].filter(Boolean).join(", ");
  return made("button", {
    type: "button", class: style, title: facts, "aria-label": `${text}: ${facts}`, "data-sizes": name, "aria-pressed": String(state.sizes === name),
  }, text);
}

/** Text and colour of a format. */
function shownAs(row, show) {
  const distance = row.here === null || row.published === null ? null : row.here - row.published;
  const optimal = row.here !== null && row.here === row.bound ? "!" : "";
  if (show === "omega") {
    return row.exponent === null ? ["-", "none"] : [row.exponent.toFixed(3), `h${OMEGAS.filter((bound) => row.exponent < bound).length}`];
  }
  const style = distance === null ? "none" : distance < 0 ? "below" : distance === 0 ? "equal" : distance <= 2 ? "near" : "far";
  if (row.here === null) return [`(${row.published ?? row.served})`, "none"];
  if (show === "rank" || distance === null) return [`${row.here}${optimal}${distance === null ? "?" : ""}`, style];
  return [`${distance > 0 ? "+" : distance < 0 ? "\u2212" : ""}${Math.abs(distance)}${optimal}`, style];
}

// ---- the pictures

const COSTS = { rank: "products", additions: "additions", gamma: "growth" };
const SETS = ["zt", "z", "q"];

function choosePlotTarget(rows) {
  const select = byId("plot-target");
  const counts = new Map();
  for (const row of rows) if (SETS.includes(row.ring) && row.gamma !== null) counts.set(row.target, (counts.get(row.target) ?? 0) + 1);
  const before = select.value;
  const names = [...counts.keys()];
  select.replaceChildren(...names.map((name) => new Option(`${name} (${counts.get(name)})`, name)));
  const richest = names.reduce((best, name) => (best === "" || counts.get(name) > counts.get(best) ? name : best), "");
  select.value = names.includes(before) ? before : richest;
  byId("plot").hidden = !names.length;
}

function showScatter() {
  const [target, x, y] = ["plot-target", "plot-x", "plot-y"].map((id) => byId(id).value);
  const rows = ROWS.filter((row) => row.target === target && SETS.includes(row.ring) && row.gamma !== null);
  const series = SETS.map((ring, at) => ({
    words: `over ${ring}`, style: `s${at}`,
    points: rows.filter((row) => row.ring === ring).map((row) => ({
      x: row[x], y: row[y], filled: row.front === 1, address: row.address,
      words: `${row.id}: ${row.rank} products, ${row.additions} additions${row.kept ? "" : " as it stands"}, growth ${told(row.gamma)}${row.front ? ", beaten by no other" : ""}`,
    })),
  })).filter(({ points }) => points.length);
  plot(byId("scatter"), `${COSTS[y]} against ${COSTS[x]} of ${target}`, { words: COSTS[x] }, { words: COSTS[y] }, series);
}

function showTable(id, head, rows) {
  const table = byId(id);
  const number = (cell) => (typeof cell === "number" ? { class: "number" } : {});
  table.tHead.replaceChildren(made("tr", {}, ...head.map((words) => made("th", { scope: "col" }, words))));
  table.tBodies[0].replaceChildren(...rows.map((row) => made("tr", {}, ...row.map((cell) => made("td", number(cell), cell instanceof Node ? cell : String(cell ?? "-"))))));
}

const reveal = (id) => { byId(id).hidden = false; document.querySelector(`nav [data-part="${id}"]`).hidden = false; };

function showOthers() {
  const rows = STANDING.filter((row) => !row.sizes && row.served !== null);
  if (!rows.length) return;
  reveal("others");
  const best = (row) => ROWS.find((one) => one.target === row.target && one.rank === row.served && one.serves.includes(row.ring));
  showTable("others-table", ["map", "set", "found here", "here", "best known", "proven at least", "verdict", "entry"], rows.map((row) => {
    const entry = best(row);
    return [row.target, row.ring, row.here, row.served, row.published, row.bound, row.verdict, entry ? made("a", { href: entry.address }, entry.id) : "-"];
  }));
}

function showCurve() {
  const target = byId("curve-target").value;
  const rows = ROWS.filter((row) => row.kind === "approximation" && row.target === target);
  const nearest = (own) => {
    const found = new Map();
    for (const row of own) if (!found.has(row.rank) || row.residual < found.get(row.rank).residual) found.set(row.rank, row);
    return [...found.values()].sort((a, b) => a.rank - b.rank);
  };
  const point = (row) => ({ x: row.rank, y: row.residual, address: row.address, filled: true, words: `${row.rank} products: residual ${told(row.residual)}, ${row.id}` });
  const [all, bounded] = [nearest(rows), nearest(rows.filter((row) => row.bounded))];
  plot(byId("curve"), `Residual against products of ${target}`, { words: "products" }, { words: "residual", log: true }, [
    { words: "of bounded rows", style: "s0", points: bounded.map(point), isLine: true },
    { words: "of all", style: "s1", points: all.map(point), isLine: true },
  ]);
  const link = (row) => (row ? made("a", { href: row.address }, told(row.residual)) : "-");
  showTable("curve-table", ["products", "of bounded rows", "of all"], all.map((row) => [row.rank, link(bounded.find((one) => one.rank === row.rank)), link(row)]));
}

function showApproximations() {
  const counts = new Map();
  for (const row of ROWS) if (row.kind === "approximation") counts.set(row.target, (counts.get(row.target) ?? 0) + 1);
  if (!counts.size) return;
  reveal("approximations");
  const select = byId("curve-target");
  select.append(...[...counts].map(([name, count]) => new Option(`${name} (${count})`, name)));
  select.value = [...counts.keys()].reduce((best, name) => (counts.get(name) > counts.get(best) ? name : best));
  select.addEventListener("change", showCurve);
  showCurve();
}

function showTransforms() {
  const rows = ROWS.filter((row) => row.kind === "transform");
  if (!rows.length) return;
  reveal("transforms");
  const names = [...new Set(rows.map((row) => row.target.split(":")[0]))];
  const series = names.map((name, at) => ({
    words: name, style: `s${at % 4}`,
    points: rows.filter((row) => row.target.split(":")[0] === name).map((row) => ({ x: row.size, y: row.operations, address: row.address, filled: true, words: `${row.target}: ${row.operations} operations, ${row.id}` })),
  }));
  const sizes = [...new Set(rows.map((row) => row.size))].filter((size) => size > 1).sort((a, b) => a - b);
  const line = { words: "N log2 N", style: "s3", isLine: true, points: sizes.map((size) => ({ x: size, y: size * Math.log2(size) })) };
  plot(byId("operations"), "Operations against N", { words: "N", log: true }, { words: "additions and multiplications", log: true }, [...series, line]);
  showTable("transforms-table", ["transform", "field", "additions", "multiplications", "N log2 N", "entry"], rows.map((row) => [row.target, row.ring, row.additions, row.multiplications, Math.round(row.size * Math.log2(row.size)), made("a", { href: row.address }, row.id)]));
}

// ---- all together

function show() {
  const state = stateOf();
  const rows = filtered();
  showHeat(state);
  showList(rows);
  choosePlotTarget(rows);
  showScatter();
  writeAddress();
}

function offer(name, values) {
  form.elements[name].append(...values.map((value) => new Option(value[1], value[0])));
}

const different = (key) => [...new Set(ROWS.map((row) => row[key]))].sort();
offer("ring", Object.entries(CATALOG.rings).map(([ring, words]) => [ring, `${ring}: ${words}`]));
offer("ring", different("ring").filter((ring) => ring && /^f\d+$/.test(ring) && !CATALOG.rings[ring]).map((ring) => [ring, ring]));
offer("family", different("family").map((one) => [one, one]));
offer("kind", different("kind").map((one) => [one, one]));

form.addEventListener("input", () => { showsAll = false; show(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.sizes) {
    form.elements.sizes.value = form.elements.sizes.value === button.dataset.sizes ? "" : button.dataset.sizes;
    const { sizes } = button.dataset;
    show();
    document.querySelector(`#heat button[data-sizes="${sizes}"]`)?.focus();
  } else if (button.dataset.sort) {
    const key = button.dataset.sort;
    sort = sort === key ? `-${key}` : sort === `-${key}` ? "" : key;
    show();
    document.querySelector(`#list button[data-sort="${key}"]`)?.focus();
  } else if (button.id === "clear") {
    for (const one of fields()) if (one.type === "checkbox") one.checked = false; else one.value = "";
    sort = "";
    show();
  } else if (button.id === "more") {
    showsAll = true;
    show();
  }
});
for (const id of ["plot-target", "plot-x", "plot-y"]) byId(id).addEventListener("change", showScatter);
window.addEventListener("hashchange", () => { readAddress(); show(); });

readAddress();
show();
showOthers();
showApproximations();
showTransforms();
