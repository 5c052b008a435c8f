// The page of a network: its views, and what leads from one to another.

const data = readDocument();
const verification = data.verification ?? null;
const model = data.graph ? new Model(data) : null;
let view = null;

prepareTheme();
fillHead();
const views = [
  ["graph", "Graph", data.graph, fillGraph],
  ["verification", "Verification", verification, fillVerification],
  ["layers", "Layers", data.layers?.length || data.others?.length, fillLayers],
  ["findings", "Findings", data.layers, fillFindings],
  ["source", "Source", data.layers, fillSource],
].filter(([, , content]) => content);
fillTabs();

function fillHead() {
  byId("title").textContent = printable(data.path ?? verification.module);
  const parts = [];
  if (data.source) parts.push(`${data.is_store ? "store" : "checkpoint"} of ${data.source.framework} ${data.source.version ?? ""}`.trim());
  if (data.totals) parts.push(plural(data.totals.layers, "layer"), `${compact(data.totals.parameters)} parameters`, byteSize(data.totals.bytes));
  if (data.summary?.totals?.multiply_adds) parts.push(`${compact(data.summary.totals.multiply_adds)} multiply-adds`);
  for (const [name, shape] of Object.entries(data.summary?.inputs ?? {})) parts.push(`${name} ${shapeText(shape)}`);
  if (!data.path) parts.push(`against ${verification.golden}`);
  byId("origin").textContent = printable(parts.join(" · "));
  if (verification) {
    const place = byId("verdict");
    place.hidden = false;
    place.className = verification.ok ? "good" : "bad";
    place.append(element("button", { type: "button", click: () => showView("verification") }, verification.ok ? "verified: equal" : verdictOf(verification)));
  }
}

function verdictOf(report) {
  if (report.first_divergence === null) return "not verified";
  return `differs first in ${shortened(nameOf(report.rows[report.first_divergence]), 30)}`;
}

function fillTabs() {
  const tabs = byId("tabs");
  views.forEach(([id, title], number) => {
    const press = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) tabs.children[(number + step + views.length) % views.length].focus();
    };
    tabs.append(element("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `${id}-view`, click: () => showView(id), keydown: press }, title));
  });
  const wanted = location.hash.slice(1);
  showView(views.some(([id]) => id === wanted) ? wanted : views[0][0]);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    const view = document.querySelector("main > section:not([hidden])");
    view.querySelector("input[type=search]")?.focus();
  });
}

/** Show one view; each is filled when it is shown for the first time. */
function showView(id) {
  for (const [each, , , fill] of views) {
    const place = byId(`${each}-view`), tab = byId(`tab-${each}`);
    place.hidden = each !== id;
    tab.setAttribute("aria-selected", String(each === id));
    if (each === id && !place.dataset.filled) {
      place.dataset.filled = "yes";
      fill(place);
    }
  }
}

function fillGraph() {
  const details = new Details(byId("details"), model, select);
  view = new GraphView(byId("graph"), model, (item) => {
    byId("hint").hidden = true;
    byId("spoken").textContent = item ? spoken(item) : "nothing selected";
    details.update(item);
  }, covered);
  view.fit(0.85);
  byId("zoom-in").addEventListener("click", () => view.zoom(1.25));
  byId("zoom-out").addEventListener("click", () => view.zoom(0.8));
  byId("fit").addEventListener("click", () => view.fit());
  byId("open-all").addEventListener("click", () => view.openAll(true));
  byId("fold-all").addEventListener("click", () => view.openAll(false));
  fillSearch();
}

/** The height of the graph that the details cover, as they do on a small screen. */
function covered() {
  const details = byId("details").getBoundingClientRect(), graph = byId("graph").getBoundingClientRect();
  return details.height && details.left < graph.right ? graph.bottom - details.top : 0;
}

/** Show an item in the graph, with the blocks around it open; null clears the selection. */
function select(item) {
  showView("graph");
  view.select(item, { open: true, centre: true });
}

function spoken(item) {
  const status = { good: ", equal", bad: ", differs" }[model.status(item)] ?? "";
  if (item.isBlock) return printable(`${item.open ? "open" : "folded"} block ${item.label}, ${plural(item.last - item.first + 1, "node")}${status}`);
  return printable(`${item.kind ?? item.type} ${item.name}${item.shape ? `, ${shapeText(item.shape)}` : ""}${status}`);
}

function fillSearch() {
  const field = byId("search"), list = byId("found");
  const choose = (vertex) => {
    list.hidden = true;
    select(vertex);
    byId("graph").focus();
  };
  field.addEventListener("input", () => {
    const found = model.find(field.value);
    list.replaceChildren(...found.slice(0, 30).map((vertex) =>
      element("li", {}, element("button", { type: "button", click: () => choose(vertex) }, vertex.name, element("span", { class: "soft" }, ` ${vertex.kind ?? vertex.type}`)))));
    if (!found.length && field.value) list.append(element("li", { class: "soft" }, "nothing found"));
    if (found.length > 30) list.append(element("li", { class: "soft" }, `and ${grouped(found.length - 30)} more`));
    list.hidden = !field.value;
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
    if (event.key === "ArrowDown") list.querySelector("button")?.focus();
    if (event.key === "Escape") list.hidden = true;
  });
  list.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("button")], place = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[Math.min(place + 1, items.length - 1)].focus();
    if (event.key === "ArrowUp") (items[place - 1] ?? field).focus();
    if (event.key === "Escape") { list.hidden = true; field.focus(); }
  });
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".search")) list.hidden = true; });
}

/** Lead to the vertex of a comparison, or of a layer, if there is a graph. */
function showRow(row) {
  if (row.vertex) select(row.vertex);
}

function fillVerification(place) {
  const rows = verification.rows, first = verification.first_divergence;
  place.append(element("p", { class: `message ${verification.ok ? "good" : "bad"}` }, element("strong", {}, verification.summary)));
  place.append(element("p", { class: "soft" }, `${verification.module} against ${verification.golden}`));
  if (first !== null) {
    const row = rows[first];
    place.append(element("div", { class: "comparison bad" },
      element("strong", {}, `First divergence: ${nameOf(row)}`),
      element("p", {}, row.hint ? `Likely cause: ${row.hint}` : "No simple cause explains the difference."),
      row.vertex && element("button", { type: "button", click: () => showRow(row) }, "Show it in the graph")));
  }
  if (rows.length) {
    const chart = element("div", { class: "chart" });
    place.append(element("h2", {}, "Error along depth"), chart);
    drawErrorChart(chart, verification, showRow);
    const columns = [
      { title: "", value: (row) => (row.ok ? "equal" : row.isFirst ? "first" : "differs") },
      { title: "layer", value: nameOf },
      { title: "module", value: (row) => row.module ?? row.source },
      { title: "kind", value: (row) => row.kind },
      { title: "shape", value: (row) => shapeText(row.shape) },
      { title: "error of scale", right: true, value: errorOf, cell: (row) => errorText(errorOf(row)) },
      { title: "tolerance", right: true, value: (row) => row.tolerance, cell: (row) => numberText(row.tolerance) },
      { title: "max error", right: true, value: (row) => row.max_error ?? Infinity, cell: (row) => (row.max_error === null ? "not finite" : numberText(row.max_error)) },
      { title: "mean error", right: true, value: (row) => row.mean_error ?? Infinity, cell: (row) => (row.mean_error === null ? "not finite" : numberText(row.mean_error)) },
      { title: "cosine", right: true, value: (row) => row.cosine ?? -2, cell: (row) => (row.cosine === null ? "" : row.cosine.toFixed(9)) },
      { title: "likely cause", value: (row) => row.hint },
    ];
    rows.forEach((row, index) => { row.isFirst = index === first; });
    place.append(element("h2", {}, "Comparisons"), table(rows, columns, {
      filter: "Filter comparisons",
      choices: [["all", () => true], ["different", (row) => !row.ok], ["equal", (row) => row.ok]],
      className: (row) => (row.ok ? "" : "bad"),
      open: model ? showRow : undefined,
    }));
  }
  place.append(...lists([
    ["Problems", verification.problems],
    ["Not compared", verification.skipped.map((item) => `${item.layer} (${item.module}): ${item.why}`)],
    ["Notes", verification.notes],
  ]));
}

function fillLayers(place) {
  const worst = (layer, name) => layer.tensors.reduce((sum, tensor) => sum + (tensor.statistics?.[name] ?? 0), 0);
  const columns = [
    { title: "layer", value: (layer) => layer.name },
    { title: "kind", value: (layer) => layer.kind },
    { title: "tensors", value: (layer) => layer.tensors.map((tensor) => `${tensor.role} ${shapeText(tensor.shape)}`).join(", ") },
    { title: "dtype", value: (layer) => [...new Set(layer.tensors.map((tensor) => tensor.dtype))].join(" ") },
    { title: "parameters", right: true, value: (layer) => layer.parameters, cell: (layer) => grouped(layer.parameters) },
    { title: "NaN", right: true, value: (layer) => worst(layer, "nan") || "", cell: (layer) => (worst(layer, "nan") ? grouped(worst(layer, "nan")) : "") },
    { title: "typed by", value: (layer) => layer.typed_by },
  ];
  const shown = element("div", { class: "layer-details" });
  const open = (layer) => {
    const vertex = model?.vertices.find((each) => each.layer === layer.name);
    if (vertex) return select(vertex);
    const kind = data.kinds[layer.kind];
    shown.replaceChildren(element("h2", {}, layer.name), element("p", { class: "meaning" }, `${layer.kind}: ${kind.meaning}`),
      section("Attributes", facts(layer.attributes, kind.attributes)), ...layerSections(layer, kind).filter(Boolean));
    shown.scrollIntoView({ block: "start" });
  };
  if (data.layers.length) {
    place.append(table(data.layers, columns, {
      filter: "Filter layers",
      choices: [
        ["all", () => true],
        ["with NaN or infinities", (layer) => worst(layer, "nan") + worst(layer, "infinite") > 0],
        ["changed by canonicalisation", (layer) => layer.tensors.some((tensor) => tensor.origin && tensor.origin.rule !== "identity")],
        ["inferred from names", (layer) => layer.typed_by === "names"],
      ],
      className: (layer) => (worst(layer, "nan") + worst(layer, "infinite") ? "bad" : ""),
      open,
    }), shown);
  }
  if (data.others.length) {
    place.append(element("h2", {}, "Tensors of no layer"), table(data.others, [
      { title: "tensor", value: (tensor) => tensor.key },
      { title: "dtype", value: (tensor) => tensor.dtype },
      { title: "shape", value: (tensor) => shapeText(tensor.shape) },
      { title: "elements", right: true, value: (tensor) => tensor.elements, cell: (tensor) => grouped(tensor.elements) },
    ]));
  }
}

function fillFindings(place) {
  const opaque = (data.graph?.vertices ?? []).filter((vertex) => vertex.kind === "opaque").map((vertex) => {
    const { operator, reason } = Object.fromEntries(vertex.attributes);
    return [vertex.name, operator, reason].filter(Boolean).join(": ");
  });
  const inferred = data.layers.filter((layer) => layer.typed_by === "names").map((layer) => `${layer.name}: ${layer.kind}`);
  const rules = new Map();
  for (const layer of data.layers) {
    for (const { origin, key } of layer.tensors) {
      if (!origin || origin.rule === "identity") continue;
      const text = `${origin.rule}${origin.meaning ? `: ${origin.meaning}` : ""}`;
      rules.set(text, [...(rules.get(text) ?? []), key]);
    }
  }
  const damaged = data.layers.flatMap((layer) => layer.tensors).filter((tensor) => tensor.statistics && tensor.statistics.nan + tensor.statistics.infinite);
  const found = lists([
    ["Refused: operators kept opaque", opaque],
    ["Found and inferred", data.notes],
    ["Shapes", data.graph ? data.summary.notes : ["there is no graph: only layers and tensors are known"]],
    ["Kinds inferred from names and shapes", inferred],
    ["What canonicalisation changed", [...rules].map(([text, keys]) => `${text} (${plural(keys.length, "tensor")}: ${keys.slice(0, 4).join(", ")}${keys.length > 4 ? ", …" : ""})`)],
    ["NaN and infinities", damaged.map((tensor) => `${tensor.key}: ${grouped(tensor.statistics.nan)} NaN, ${grouped(tensor.statistics.infinite)} infinite`)],
    ["Not compared", (verification?.skipped ?? []).map((item) => `${item.layer}: ${item.why}`)],
  ]);
  place.append(...(found.length ? found : [element("p", { class: "message good" }, "Nothing was inferred, nothing was refused, and every tensor is stored as it was.")]));
}

function fillSource(place) {
  const files = data.source?.files ?? [];
  if (files.length) {
    place.append(element("h2", {}, "Files"), table(files, [
      { title: "file", value: (file) => file.name },
      { title: "role", value: (file) => file.role },
      { title: "format", value: (file) => file.format },
      { title: "size", right: true, value: (file) => file.size, cell: (file) => byteSize(file.size) },
      { title: "SHA-256", value: (file) => file.sha256 ?? "", cell: (file) => element("code", {}, file.sha256 ?? "") },
    ]));
  }
  const graph = data.graph;
  place.append(element("h2", {}, "Network"), facts([
    ["inputs", graph ? graph.vertices.filter((vertex) => vertex.type === "input").map((vertex) => `${vertex.name} ${shapeText(vertex.shape)}`).join(", ") : ""],
    ["outputs", graph ? graph.vertices.filter((vertex) => vertex.type === "output").map((vertex) => vertex.name).join(", ") : ""],
    ["nodes", graph ? grouped(graph.vertices.filter((vertex) => vertex.type === "node").length) : "no graph"],
    ["layers", grouped(data.totals.layers)],
    ["tensors", grouped(data.totals.tensors)],
    ["parameters", grouped(data.totals.parameters)],
    ["in statistics", grouped(data.totals.buffers)],
    ["bytes", byteSize(data.totals.bytes)],
  ]));
}

function lists(pairs) {
  return pairs.filter(([, lines]) => lines.length).map(([title, lines]) => {
    const place = element("ul");
    const rest = lines.slice(FIRST_ROWS);
    place.append(...lines.slice(0, FIRST_ROWS).map((line) => element("li", {}, line)));
    if (rest.length) place.append(element("li", { class: "soft" }, `and ${grouped(rest.length)} more`));
    return element("section", { class: "list" }, element("h2", {}, title), place);
  });
}
