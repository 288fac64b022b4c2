// Coefficients as pictures: one canvas a matrix, which shows the part that is scrolled to, at any size of the cells.
"use strict";

const READABLE = 16; // pixels of a cell from which numbers are written into it
const WITH_GRID = 6; // pixels of a cell from which lines are drawn between cells
const VIEW = 480; // pixels of a picture at first

/** The matrices of a page's data: {name, rows, columns, cells: [{row, column, number, text}], rowNames, columnNames}. */
function matricesOf(data) {
  if (data.matrices) {
    return data.matrices.map(({ name, shape, terms }) => ({
      name, rows: shape[0], columns: shape[1],
      cells: terms.map(([row, column, number, text]) => ({ row, column, number, text })),
    }));
  }
  return ["u", "v", "w"].map((name, axis) => ({
    name: name.toUpperCase(), rows: data.rank, columns: data.shape[axis], columnNames: data.names[axis],
    cells: data[name].flatMap((row, q) => cellsOf(row, data.imag?.[name][q], axis === 2 ? data.denominators?.[q] : undefined, q)),
  }));
}

function cellsOf(real, imag, denominator, row) {
  const below = denominator === undefined || denominator === 1 ? "" : `/${denominator}`;
  const found = new Map(real.map(([column, a]) => [column, { row, column, number: Number(a), text: `${a}${below}` }]));
  for (const [column, b] of imag ?? []) {
    const a = found.get(column);
    found.set(column, { row, column, number: a ? a.number : Number(b), text: `${a ? `${a.text} + ` : ""}${b}i${below}` });
  }
  return [...found.values()];
}

/** A picture of one matrix. */
class Picture {
  constructor(matrix, onCell) {
    this.matrix = matrix;
    this.onCell = onCell;
    this.at = null;
    this.byRow = Array.from({ length: matrix.rows }, () => []);
    for (const cell of matrix.cells) this.byRow[cell.row].push(cell);
    this.largest = matrix.cells.reduce((most, { number }) => Math.max(most, Math.abs(number)), 0) || 1;
    this.figure = document.createElement("figure");
    this.figure.className = "matrix";
    const caption = document.createElement("figcaption");
    caption.textContent = `${matrix.name}: ${matrix.rows} x ${matrix.columns}, ${matrix.cells.length} not 0`;
    this.view = document.createElement("div");
    this.view.className = "view";
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "application");
    this.view.setAttribute("aria-roledescription", "picture of a matrix");
    this.view.setAttribute("aria-label", caption.textContent);
    this.space = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.space.append(this.canvas);
    this.view.append(this.space);
    this.figure.append(caption, this.view);
    this.view.addEventListener("scroll", () => this.draw());
    this.view.addEventListener("mousemove", (event) => this.point(event));
    this.view.addEventListener("keydown", (event) => this.move(event));
  }

  resize(cell) {
    const { rows, columns } = this.matrix;
    this.cell = cell;
    this.space.style.width = `${columns * cell}px`;
    this.space.style.height = `${rows * cell}px`;
    this.draw();
  }

  draw() {
    const { rows, columns } = this.matrix;
    const { cell, view, canvas } = this;
    const width = Math.min(view.clientWidth || VIEW, columns * cell);
    const height = Math.min(view.clientHeight || VIEW, rows * cell);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const paint = canvas.getContext("2d");
    paint.scale(ratio, ratio);
    paint.fillStyle = colour("--back");
    paint.fillRect(0, 0, width, height);
    this.grid(paint, width, height, colour("--grid"));
    const colours = { positive: colour("--positive"), negative: colour("--negative"), text: colour("--back"), line: colour("--text") };
    const first = Math.floor(view.scrollTop / cell);
    for (let row = first; row <= Math.min(rows - 1, first + Math.ceil(height / cell)); row++) {
      for (const one of this.byRow[row]) this.fill(paint, one, colours, width);
    }
    if (this.at) {
      paint.strokeStyle = colours.line;
      paint.lineWidth = 2;
      paint.strokeRect(this.at.column * cell - view.scrollLeft, this.at.row * cell - view.scrollTop, cell, cell);
    }
  }

  fill(paint, { row, column, number, text }, { positive, negative, text: ink }, width) {
    const { cell, view } = this;
    const x = column * cell - view.scrollLeft;
    const y = row * cell - view.scrollTop;
    if (x + cell < 0 || x > width) return;
    paint.globalAlpha = 0.45 + 0.55 * Math.min(1, Math.abs(number) / this.largest);
    paint.fillStyle = number < 0 ? negative : positive;
    const side = cell < WITH_GRID ? cell : cell - 1;
    paint.fillRect(x, y, side, side);
    paint.globalAlpha = 1;
    if (cell < READABLE || text.length * cell * 0.28 > cell) return;
    paint.fillStyle = ink;
    paint.font = `${Math.floor(cell * 0.5)}px system-ui, sans-serif`;
    paint.textAlign = "center";
    paint.textBaseline = "middle";
    paint.fillText(text, x + cell / 2, y + cell / 2);
  }

  grid(paint, width, height, colour) {
    const { cell, view } = this;
    if (cell < WITH_GRID) return;
    paint.fillStyle = colour;
    for (let x = cell - (view.scrollLeft % cell) - 1; x < width; x += cell) paint.fillRect(x, 0, 1, height);
    for (let y = cell - (view.scrollTop % cell) - 1; y < height; y += cell) paint.fillRect(0, y, width, 1);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    this.show(Math.floor((event.clientY - box.top + this.view.scrollTop) / this.cell), Math.floor((event.clientX - box.left + this.view.scrollLeft) / this.cell));
  }

  move(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { row, column } = this.at ?? { row: 0, column: -step[1] };
    this.show(row + (this.at ? step[0] : 0), column + step[1]);
    const { view, cell } = this;
    const into = (at, from, span) => Math.max(Math.min(from, at * cell), (at + 1) * cell - span);
    if (this.at) view.scrollTo(into(this.at.column, view.scrollLeft, view.clientWidth), into(this.at.row, view.scrollTop, view.clientHeight));
  }

  show(row, column) {
    const { rows, columns, name, columnNames } = this.matrix;
    if (row < 0 || column < 0 || row >= rows || column >= columns) return;
    this.at = { row, column };
    const cell = this.byRow[row].find((one) => one.column === column);
    const where = columnNames ? `product ${row + 1}, ${columnNames[column]}` : `row ${row + 1}, column ${column + 1}`;
    this.onCell(`${name}, ${where}: ${cell ? cell.text : "0"}`);
    this.draw();
  }
}

/** Puts the pictures of a page's data into `place`, with the controls beside them. */
function showMatrices(data, place, { zoom, less, more, whole, which, cell }) {
  const matrices = matricesOf(data);
  const chosen = matrices.length > 3 ? matrices.slice(0, 3) : matrices;
  let pictures = [];
  const resize = () => pictures.forEach((picture) => picture.resize(Number(zoom.value)));
  const fit = () => {
    const most = Math.max(...pictures.map(({ matrix }) => Math.max(matrix.columns, matrix.rows)));
    zoom.value = String(Math.max(2, Math.min(28, Math.floor(VIEW / most))));
    resize();
  };
  const put = (list) => {
    pictures = list.map((matrix) => new Picture(matrix, (text) => { cell.textContent = text; }));
    place.replaceChildren(...pictures.map(({ figure }) => figure));
    resize();
  };
  which.append(new Option(matrices.length > 3 ? "the first three" : "all", ""));
  matrices.forEach((matrix, place) => which.append(new Option(matrix.name, String(place))));
  which.addEventListener("change", () => put(which.value === "" ? chosen : [matrices[Number(which.value)]]));
  zoom.addEventListener("input", resize);
  less.addEventListener("click", () => { zoom.value = String(Math.floor(Number(zoom.value) / 1.4)); resize(); });
  more.addEventListener("click", () => { zoom.value = String(Math.ceil(Number(zoom.value) * 1.4)); resize(); });
  whole.addEventListener("click", fit);
  window.addEventListener("resize", resize);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", resize);
  put(chosen);
  fit();
}
