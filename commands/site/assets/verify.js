// Deciding in the browser whether a scheme computes its map, exactly.
//
// The Brent equations: for every i, j, k the sum over the products q of u[q][i] v[q][j] w[q][k] / d[q] is T[i][j][k].
// Both sides are multiplied by L, the least common multiple of all d, so that only integers occur. They are added up as
// JavaScript's numbers where a bound excludes that any sum reaches 2^53, below which these are exact integers; else as
// BigInt. One output k after another, so that memory stays at left * right numbers and the page stays alive.
"use strict";

const SAFE = 2n ** 53n;
const PATIENCE = 40; // milliseconds of work between two looks at the page

const gcd = (a, b) => { while (b) [a, b] = [b, a % b]; return a; };
const size = (x) => (x < 0n ? -x : x);

/** Resolves to {ok, detail, entries, arithmetic, seconds}; `onProgress` hears a share between 0 and 1. */
async function verifyScheme(data, onProgress = () => {}) {
  const start = performance.now();
  const fault = faultOfForm(data);
  if (fault) return { ok: false, detail: fault, entries: 0, arithmetic: "", seconds: 0 };
  const scheme = prepared(data);
  const [left, right, out] = data.shape;
  const compare = scheme.small ? comparedAsNumbers : comparedAsBigInts;
  const state = scheme.small ? [new Float64Array(left * right), new Float64Array(scheme.imag ? left * right : 0)] : null;
  let last = performance.now();
  let wrong = null;
  for (let k = 0; k < out && wrong === null; k++) {
    wrong = compare(scheme, k, state);
    if (performance.now() - last > PATIENCE) {
      onProgress((k + 1) / out);
      await new Promise((resolve) => setTimeout(resolve, 0));
      last = performance.now();
    }
  }
  onProgress(1);
  const entries = left * right * out;
  return {
    ok: wrong === null,
    detail: wrong ?? `all ${entries.toLocaleString("en")} tensor entries agree`,
    entries,
    arithmetic: scheme.small ? "integers, all below 2^53" : "BigInt",
    seconds: (performance.now() - start) / 1000,
  };
}

/** What is wrong with the scheme as it is written, or null. */
function faultOfForm(data) {
  const { rank, ring, shape } = data;
  const parts = data.imag ? [data, data.imag] : [data];
  if (data.imag && ring !== "qi") return `imaginary parts, which ${ring} does not hold`;
  for (const part of parts) {
    for (const [axis, name] of ["u", "v", "w"].entries()) {
      if (part[name].length !== rank) return `${name} has ${part[name].length} products, not ${rank}`;
      for (const [q, row] of part[name].entries()) {
        for (const [index, written] of row) {
          if (!Number.isInteger(index) || index < 0 || index >= shape[axis]) return `product ${q + 1}: ${name}[${index}] does not exist`;
          if (typeof written === "number" && !Number.isSafeInteger(written)) return `product ${q + 1}: ${name}[${index}] is no exact integer`;
          if (!allowed(BigInt(written), data)) return `product ${q + 1}: ${name}[${index}] is ${written}, which is not in ${ring}`;
        }
      }
    }
  }
  for (const [q, written] of (data.denominators ?? []).entries()) {
    const d = BigInt(written);
    if (d < 1n || (d !== 1n && ring !== "q" && ring !== "qi")) return `product ${q + 1} has denominator ${d}, which ${ring} does not allow`;
  }
  return null;
}

function allowed(x, { ring, characteristic }) {
  if (characteristic) return 0n <= x && x < BigInt(characteristic);
  return ring !== "zt" || size(x) <= 1n;
}

/** The scheme with its products by output, as numbers where these are exact and as BigInt elsewhere. */
function prepared(data) {
  const denominators = (data.denominators ?? []).map(BigInt);
  const scale = denominators.reduce((all, d) => (all * d) / gcd(all, d), 1n);
  const rows = ["u", "v", "w"].map((name) => joined(data[name], data.imag?.[name]));
  const weights = Array.from({ length: data.rank }, (_, q) => (denominators.length ? scale / denominators[q] : 1n));
  const tensor = tensorOf(data, scale);
  const largest = (row) => row.reduce((most, [, a, b]) => { const s = size(a) > size(b) ? size(a) : size(b); return s > most ? s : most; }, 0n);
  let bound = 4n * scale * tensor.largest;
  for (let q = 0; q < data.rank; q++) bound += 4n * weights[q] * rows.reduce((all, factor) => all * largest(factor[q]), 1n);
  const small = bound < SAFE;
  const number = small ? Number : (x) => x;
  const outputs = Array.from({ length: data.shape[2] }, () => []);
  rows[2].forEach((row, q) => { for (const [k, a, b] of row) outputs[k].push([q, number(a * weights[q]), number(b * weights[q])]); });
  const [u, v] = rows.slice(0, 2).map((factor) => factor.map((row) => ({
    at: row.map(([i]) => i),
    real: row.map(([, a]) => number(a)),
    imag: row.map(([, , b]) => number(b)),
  })));
  return { data, scale, small, u, v, outputs, tensor: tensor.slices, number, imag: Boolean(data.imag) };
}

/** Rows of [index, real, imaginary], as BigInt. */
function joined(real, imag) {
  return real.map((row, q) => {
    const found = new Map(row.map(([i, a]) => [i, [i, BigInt(a), 0n]]));
    for (const [i, b] of imag?.[q] ?? []) found.set(i, [i, found.get(i)?.[1] ?? 0n, BigInt(b)]);
    return [...found.values()];
  });
}

/** The tensor times the scale: for each output its nonzero places i * right + j with their values. */
function tensorOf({ shape, sizes, tensor }, scale) {
  const slices = Array.from({ length: shape[2] }, () => new Map());
  let largest = 1n;
  if (sizes) {
    const [n, m, p] = sizes; // C = A B: output C[a,c] is the sum of A[a,b] B[b,c] over b, all row by row
    for (let a = 0; a < n; a++) for (let c = 0; c < p; c++) for (let b = 0; b < m; b++) slices[a * p + c].set((a * m + b) * shape[1] + b * p + c, scale);
  } else {
    for (const [i, j, k, written] of tensor) {
      const value = BigInt(written);
      slices[k].set(i * shape[1] + j, scale * value);
      if (size(value) > largest) largest = size(value);
    }
  }
  return { slices, largest };
}

/** The first wrong entry of output k in words, or null. */
function comparedAsNumbers(scheme, k, [real, imag]) {
  const { u, v, data } = scheme;
  const right = data.shape[1];
  real.fill(0);
  imag.fill(0);
  for (const [q, c, ci] of scheme.outputs[k]) {
    const x = u[q];
    const y = v[q];
    for (let s = 0; s < x.at.length; s++) {
      const row = x.at[s] * right;
      const a = x.real[s] * c - x.imag[s] * ci;
      const b = x.real[s] * ci + x.imag[s] * c;
      for (let t = 0; t < y.at.length; t++) {
        real[row + y.at[t]] += a * y.real[t] - b * y.imag[t];
        if (scheme.imag) imag[row + y.at[t]] += a * y.imag[t] + b * y.real[t];
      }
    }
  }
  const p = data.characteristic;
  const expected = scheme.tensor[k];
  for (let place = 0; place < real.length; place++) {
    const needed = expected.has(place) ? Number(expected.get(place)) : 0;
    const off = p ? (real[place] - needed) % p : real[place] - needed;
    if (off !== 0 || (scheme.imag && imag[place] !== 0)) return inWords(scheme, k, place, real[place], scheme.imag ? imag[place] : 0, needed);
  }
  return null;
}

function comparedAsBigInts(scheme, k) {
  const { u, v, data } = scheme;
  const right = data.shape[1];
  const sums = new Map();
  for (const [q, c, ci] of scheme.outputs[k]) {
    const x = u[q];
    const y = v[q];
    for (let s = 0; s < x.at.length; s++) {
      const a = x.real[s] * c - x.imag[s] * ci;
      const b = x.real[s] * ci + x.imag[s] * c;
      for (let t = 0; t < y.at.length; t++) {
        const place = x.at[s] * right + y.at[t];
        const [real, imag] = sums.get(place) ?? [0n, 0n];
        sums.set(place, [real + a * y.real[t] - b * y.imag[t], imag + a * y.imag[t] + b * y.real[t]]);
      }
    }
  }
  const p = BigInt(data.characteristic);
  const expected = scheme.tensor[k];
  const places = [...new Set([...sums.keys(), ...expected.keys()])].sort((a, b) => a - b);
  for (const place of places) {
    const [real, imag] = sums.get(place) ?? [0n, 0n];
    const needed = expected.get(place) ?? 0n;
    const off = p ? (real - needed) % p : real - needed;
    if (off !== 0n || imag !== 0n) return inWords(scheme, k, place, real, imag, needed);
  }
  return null;
}

function inWords({ data, scale }, k, place, real, imag, needed) {
  const p = BigInt(data.characteristic);
  const rational = (x) => {
    const number = p ? ((BigInt(x) % p) + p) % p : BigInt(x);
    const shared = gcd(size(number), scale) || 1n;
    return scale === shared ? `${number / shared}` : `${number / shared}/${scale / shared}`;
  };
  const right = data.shape[1];
  const found = BigInt(imag) === 0n ? rational(real) : `${rational(real)} + ${rational(imag)} i`;
  return `T[${Math.floor(place / right)},${place % right},${k}] is ${found}, must be ${rational(needed)}`;
}
