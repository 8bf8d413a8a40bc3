"use strict";
for (const figure of document.querySelectorAll("figure.live")) {
  const told = JSON.parse(figure.querySelector("script").textContent);
  const drawing = figure.querySelector("svg");
  const say = figure.querySelector("output.told");
  const slider = figure.querySelector("input[type=range]");
  const size = figure.querySelector("output.radius");
  const kinks = figure.querySelector("input[type=checkbox]");
  const part = (name) => drawing.querySelector(`[id$="-${name}"]`);
  const [left, top_, right, bottom] = told.frame;
  const wide = told.upper[0] - told.lower[0], tall = told.upper[1] - told.lower[1];
  const across = (x) => left + (x - told.lower[0]) / wide * (right - left);
  const down = (y) => bottom - (y - told.lower[1]) / tall * (bottom - top_);
  const add = (kind, name) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
    made.setAttribute("class", name);
    drawing.append(made);
    return made;
  };
  const path = (corners) => corners.map(([x, y], k) => `${k ? "L" : "M"}${across(x).toFixed(2)} ${down(y).toFixed(2)}`).join("") + "Z";
  const text = (value) => Number(value.toPrecision(4)).toString().replace("-", "\u2212");

  // ---- pieces: which one lies under a point, and what the network computes there
  const lit = add("path", "lit"), cross = add("path", "cross");
  const corners = (flat) => Array.from({length: flat.length / 2}, (_, k) => [flat[2 * k], flat[2 * k + 1]]);
  const pieces = told.pieces.map(([label, exact, flat, forms]) => ({label, exact, forms, corners: corners(flat)}));
  const holds = (piece, x, y) => piece.corners.every(([a, b], k) => {
    const [c, d] = piece.corners[(k + 1) % piece.corners.length];
    return (c - a) * (y - b) - (d - b) * (x - a) >= -1e-9 * wide * tall;
  });
  const form = ([a, b, c]) => {
    const terms = [[a, told.symbols[0]], [b, told.symbols[1]]].filter(([w]) => w !== 0)
      .map(([w, name]) => `${text(w)} \u00b7 ${name}`);
    return [...terms, ...(c !== 0 || !terms.length ? [text(c)] : [])].join(" + ").replaceAll("+ \u2212", "\u2212 ");
  };
  let at = null;
  const point = (x, y) => {
    at = [Math.min(told.upper[0], Math.max(told.lower[0], x)), Math.min(told.upper[1], Math.max(told.lower[1], y))];
    [x, y] = at;
    const [u, v] = [across(x), down(y)];
    cross.setAttribute("d", `M${u - 6} ${v}h12M${u} ${v - 6}v12`);
    const found = pieces.find((piece) => holds(piece, x, y));
    lit.setAttribute("d", found ? path(found.corners) : "");
    const lines = [`${told.symbols[0]} \u2248 ${text(x)}, ${told.symbols[1]} \u2248 ${text(y)}`];
    if (found) {
      lines.push(`label ${told.cells ? "at the middle of the cell " : ""}${told.labels[found.label]}${found.exact ? ", and the output is that very number" : ""}`);
      const values = found.forms.map(([a, b, c]) => a * x + b * y + c);
      found.forms.forEach((one, k) => {
        const same = one[0] === 0 && one[1] === 0 ? "" : `${form(one)} \u2248 `;
        lines.push(`${found.forms.length > 1 ? `output ${k}` : "output"} \u2248 ${same}${text(values[k])}`);
      });
    }
    say.textContent = lines.join("\n");
  };
  const leave = () => { at = null; cross.setAttribute("d", ""); lit.setAttribute("d", ""); say.textContent = say.dataset.idle; };
  const moved = (event) => {
    const box = drawing.getBoundingClientRect(), view = drawing.viewBox.baseVal;
    const u = (event.clientX - box.left) / box.width * view.width, v = (event.clientY - box.top) / box.height * view.height;
    if (u < left || u > right || v < top_ || v > bottom) { if (event.type === "pointermove" && event.pointerType === "mouse") leave(); return; }
    point(told.lower[0] + (u - left) / (right - left) * wide, told.lower[1] + (bottom - v) / (bottom - top_) * tall);
  };
  const area = figure.querySelector(".area");
  if (pieces.length) {
    drawing.addEventListener("pointermove", moved);
    drawing.addEventListener("pointerdown", moved);
    drawing.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") leave(); });
    area.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
      if (event.key === "Escape") leave();
      if (!step) return;
      event.preventDefault();
      const part = event.shiftKey ? 10 : 50;
      const [x, y] = at ?? [(told.lower[0] + told.upper[0]) / 2, (told.lower[1] + told.upper[1]) / 2];
      point(x + step[0] * wide / part, y + step[1] * tall / part);
    });
  }

  // ---- balls of another radius, and what is known of them
  const balls = part("balls");
  if (slider) {
    const own = {sure: add("path", "ball sure"), open: add("path", "ball open"), lost: add("path", "ball lost")};
    const outline = (x, y, r) => {
      if (told.outline) return path(told.outline.map(([a, b]) => [x + r * a, y + r * b]));
      const u = across(x), v = down(y), s = r / wide * (right - left);
      return `M${u - s} ${v}a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0Z`;
    };
    const state = (k, r) => {
      const known = told.known[k];
      if (!known) return "open";
      const [low, up, same] = known;
      if (up !== null && r >= up) return "lost";
      return r <= low || (same && r < up) ? "sure" : "open";
    };
    const draw = () => {
      const r = told.most * slider.value / slider.max;
      const found = {sure: [], open: [], lost: []};
      told.balls.forEach(([x, y], k) => found[state(k, r)].push(outline(x, y, r)));
      for (const kind in own) own[kind].setAttribute("d", found[kind].join(""));
      if (balls) balls.style.display = "none";
      const counts = told.known.length ? `: ${found.sure.length} proved, ${found.lost.length} with a flip, ${found.open.length} not known` : "";
      size.textContent = `${text(r)}${counts}`;
    };
    const reset = () => {
      slider.value = slider.max * told.radius / told.most;
      for (const kind in own) own[kind].setAttribute("d", "");
      if (balls) balls.style.display = "";
      size.textContent = text(told.radius);
    };
    slider.addEventListener("input", draw);
    addEventListener("beforeprint", () => { reset(); leave(); });
    reset();
  }
  if (kinks) kinks.addEventListener("change", () => { part("kinks").style.display = kinks.checked ? "" : "none"; });
  figure.querySelector(".controls").hidden = false;
}
