"use strict";
// Sorting: a click on a column's title sorts by it, a second one the other way round. Empty cells come last.
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table"), body = table.tBodies[0];
    const column = [...head.parentElement.children].indexOf(head);
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const isNumber = head.classList.contains("number");
    const key = row => {
      const cell = row.cells[column];
      return isNumber ? (cell.dataset.value === undefined ? null : Number(cell.dataset.value)) : cell.textContent;
    };
    const rows = [...body.rows].map(row => [key(row), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = isNumber ? a - b : a.localeCompare(b, "en", { numeric: true });
      return descending ? -order : order;
    });
    body.append(...rows.map(([, row]) => row));
  });
}

// Filtering the table of layers.
const filter = document.getElementById("filter"), rows = [...document.getElementById("layer-table").tBodies[0].rows];
filter.addEventListener("input", () => {
  const text = filter.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(text);
    if (!row.hidden) shown += 1;
  }
  document.getElementById("count").textContent = `${shown} layers`;
});

// What is known of each layer, by the id of its row; boxes of pictures link to rows.
const report = JSON.parse(document.getElementById("report").textContent), facts = new Map(), places = [];
for (const layer of report.layers) {
  places[layer.model] = (places[layer.model] ?? -1) + 1;
  facts.set(`#layer-${layer.model}-${places[layer.model]}`, layer);
}
// Errors are negative decibels, so that more is worse.
const measures = {
  time: layer => layer.microseconds, error: layer => layer.sqnr === undefined ? undefined : -layer.sqnr,
};
const steps = 7;

// Pictures: the view box is what is seen of them.
for (const viewer of document.querySelectorAll(".viewer")) {
  const canvas = viewer.querySelector(".canvas"), svg = canvas.querySelector("svg");
  const whole = svg.getAttribute("viewBox").split(/[\s,]+/).map(Number);
  svg.classList.add("drawing");
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  // A tall picture begins at its top, so large that it can be read; `fit` shows all of it.
  const readable = Math.max(whole[2], canvas.clientWidth), ratio = canvas.clientHeight / canvas.clientWidth;
  let view = whole[3] > 1.5 * readable * ratio
    ? [whole[0] + (whole[2] - readable) / 2, whole[1], readable, readable * ratio] : [...whole];
  const show = () => svg.setAttribute("viewBox", view.map(x => x.toFixed(2)).join(" "));
  // Of the view box's units, how many a pixel has: the picture is fitted into its frame.
  const scale = () => Math.max(view[2] / canvas.clientWidth, view[3] / canvas.clientHeight);
  show();
  const zoom = (factor, x, y) => {
    const [left, top, width, height] = view;
    const next = Math.min(Math.max(width / factor, whole[2] / 200), whole[2] * 4) / width;
    view = [x - (x - left) * next, y - (y - top) * next, width * next, height * next];
    show();
  };
  const centre = () => [view[0] + view[2] / 2, view[1] + view[3] / 2];
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    zoom(Math.exp(-event.deltaY * 0.002), point.x, point.y);
  }, { passive: false });
  let start = null;
  canvas.addEventListener("pointerdown", event => { start = { x: event.clientX, y: event.clientY, view: [...view] }; });
  addEventListener("pointermove", event => {
    if (!start) return;
    const dx = event.clientX - start.x, dy = event.clientY - start.y;
    if (Math.abs(dx) + Math.abs(dy) > 4) canvas.classList.add("moving");
    view[0] = start.view[0] - dx * scale();
    view[1] = start.view[1] - dy * scale();
    show();
  });
  addEventListener("pointerup", () => { start = null; setTimeout(() => canvas.classList.remove("moving"), 0); });
  // What ends a drag is no click on a link.
  canvas.addEventListener("click", event => {
    if (canvas.classList.contains("moving")) event.preventDefault();
  }, true);
  canvas.addEventListener("keydown", event => {
    const step = 40 * scale(), moves = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    };
    if (moves[event.key]) { view[0] += moves[event.key][0]; view[1] += moves[event.key][1]; show(); }
    else if (event.key === "+") zoom(1.25, ...centre());
    else if (event.key === "-") zoom(0.8, ...centre());
    else return;
    event.preventDefault();
  });
  for (const button of viewer.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const factor = Number(button.dataset.zoom);
      if (factor) zoom(factor, ...centre()); else { view = [...whole]; show(); }
    });
  }
  const coloured = viewer.querySelector("select");
  coloured.addEventListener("change", () => {
    const measure = measures[coloured.value];
    const values = [...svg.querySelectorAll("g.node")].map(node => {
      const layer = facts.get(node.querySelector("a")?.getAttribute("xlink:href"));
      for (let step = 0; step < steps; step += 1) node.classList.remove(`heat${step}`);
      return [node, measure && layer ? measure(layer) : undefined];
    }).filter(([, value]) => value !== undefined);
    const numbers = values.map(([, value]) => value), low = Math.min(...numbers), high = Math.max(...numbers);
    for (const [node, value] of values) {
      const share = high > low ? (value - low) / (high - low) : 0;
      node.classList.add(`heat${Math.min(Math.floor(share * steps), steps - 1)}`);
    }
  });
  // On paper all of a picture is shown.
  addEventListener("beforeprint", () => svg.setAttribute("viewBox", whole.join(" ")));
  addEventListener("afterprint", show);
  const search = viewer.querySelector("input[type=search]"), nodes = [...svg.querySelectorAll("g.node")];
  search.addEventListener("input", () => {
    const text = search.value.toLowerCase();
    const label = node => node.textContent + [...node.querySelectorAll("a")].map(a => a.getAttribute("xlink:title"));
    const found = text ? nodes.filter(node => label(node).toLowerCase().includes(text)) : [];
    svg.classList.toggle("searching", text !== "");
    for (const node of nodes) node.classList.toggle("found", found.includes(node));
    viewer.querySelector("output").textContent = text ? `${found.length} found` : "";
    if (!found.length) return;
    const box = found[0].getBBox(), group = found[0].parentElement.transform.baseVal.consolidate();
    const offset = group ? group.matrix : { e: 0, f: 0 };
    const width = Math.max(box.width * 4, 900), height = width * ratio;
    view = [box.x + box.width / 2 + offset.e - width / 2, box.y + box.height / 2 + offset.f - height / 2, width, height];
    show();
  });
}
