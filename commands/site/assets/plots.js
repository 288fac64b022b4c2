// Pictures of points and lines as SVG.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const FRAME = { width: 720, height: 380, left: 64, right: 16, top: 16, bottom: 44 };
const MOST_TICKS = 7;

function drawn(name, attributes, text) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

/** From values to pixels along one axis, with the values at which it is marked. */
function axisOf(values, log, from, to) {
  const shown = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  const map = log ? Math.log10 : (value) => value;
  let low = Math.min(...shown.map(map));
  let high = Math.max(...shown.map(map));
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  low -= room;
  high += room;
  const place = (value) => from + ((map(value) - low) / (high - low)) * (to - from);
  return { place, ticks: log ? logTicks(low, high) : ticks(low, high) };
}

function ticks(low, high) {
  const rough = (high - low) / MOST_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(Number(value.toPrecision(10)));
  return found;
}

function logTicks(low, high) {
  if (high - low < 1) return ticks(10 ** low, 10 ** high);
  const step = Math.ceil((high - low) / MOST_TICKS);
  const found = [];
  for (let power = Math.ceil(low); power <= high; power += step) found.push(Number(`1e${power}`));
  return found;
}

const figure = (value) => (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) ? value.toExponential(0) : Number(value.toPrecision(6)).toLocaleString("en"));

/**
 * Draws series of points {x, y, words, address, filled} into an element.
 * x and y: {words, log}; each series: {words, style, points, isLine}.
 */
function plot(place, words, x, y, series) {
  const points = series.flatMap((one) => one.points);
  if (!points.length) {
    place.replaceChildren(Object.assign(document.createElement("p"), { textContent: "Nothing to draw." }));
    return;
  }
  const { width, height, left, right, top, bottom } = FRAME;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": words });
  const across = axisOf(points.map((point) => point.x), x.log, left, width - right);
  const up = axisOf(points.map((point) => point.y), y.log, height - bottom, top);
  for (const value of across.ticks) {
    svg.append(drawn("path", { class: "grid", d: `M${across.place(value)},${top}V${height - bottom}` }));
    svg.append(drawn("text", { x: across.place(value), y: height - bottom + 16, "text-anchor": "middle" }, figure(value)));
  }
  for (const value of up.ticks) {
    svg.append(drawn("path", { class: "grid", d: `M${left},${up.place(value)}H${width - right}` }));
    svg.append(drawn("text", { x: left - 6, y: up.place(value) + 4, "text-anchor": "end" }, figure(value)));
  }
  svg.append(drawn("path", { class: "axis", d: `M${left},${top}V${height - bottom}H${width - right}` }));
  svg.append(drawn("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, x.words));
  svg.append(drawn("text", { transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, y.words));
  for (const one of series) svg.append(...marks(one, across, up));
  if (series.length > 1) svg.append(...legend(series));
  place.replaceChildren(svg);
}

function marks({ points, style, isLine }, across, up) {
  const found = [];
  if (isLine) {
    const path = points.map((point, at) => `${at ? "L" : "M"}${across.place(point.x)},${up.place(point.y)}`).join("");
    found.push(drawn("path", { class: `line ${style}`, d: path }));
  }
  for (const point of points.filter((one) => one.words)) {
    const mark = drawn("circle", { class: `point ${style}${point.filled ? " filled" : ""}`, cx: across.place(point.x), cy: up.place(point.y), r: 5 });
    mark.append(drawn("title", {}, point.words));
    const holder = drawn("a", { href: point.address, "aria-label": point.words });
    holder.append(mark);
    found.push(holder);
  }
  return found;
}

function legend(series) {
  return series.flatMap(({ words, style, isLine }, at) => {
    const y = FRAME.top + 12 + 16 * at;
    const x = FRAME.width - FRAME.right - 190;
    const mark = isLine
      ? drawn("path", { class: `line ${style}`, d: `M${x - 14},${y - 4}h22` })
      : drawn("circle", { class: `point filled ${style}`, cx: x, cy: y - 4, r: 5 });
    return [mark, drawn("text", { x: x + 12, y }, words)];
  });
}
